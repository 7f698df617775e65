"""Middlewares that are only of one kind."""

from django.utils.decorators import async_only_middleware, sync_only_middleware


@sync_only_middleware
def only_sync(get_response):
    return lambda request: get_response(request)


@async_only_middleware
def only_async(get_response):
    async def middleware(request):
        return await get_response(request)

    return middleware
