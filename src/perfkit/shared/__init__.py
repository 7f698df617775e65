"""What more than one room needs. Imports the model only."""
