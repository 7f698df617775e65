"""A small online shop: order list, sales report, product page and export over one SQLite database."""
