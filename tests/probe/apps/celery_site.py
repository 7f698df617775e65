import os
import sys
import time

from celery import Celery, Task
from celery.exceptions import Ignore, Reject

app = Celery("celery_site", broker=os.environ["SITE_BROKER"], backend=os.environ["SITE_BROKER"])
app.conf.task_acks_late = True


class Custom(Task):
    def __call__(self, *args, **kwargs):
        return self.run(*args, **kwargs)


@app.task
def add(one, two):
    time.sleep(0.005)
    return one + two


@app.task(base=Custom)
def custom(one):
    return one


@app.task
def fails():
    raise KeyError("nothing")


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def again(self):
    if self.request.retries < 2:
        raise self.retry()
    return self.request.retries


@app.task
def ignored():
    raise Ignore()


@app.task
def rejected():
    raise Reject("no", requeue=False)


@app.task
def outer():
    return add.apply(args=(1, 2)).get(disable_sync_subtasks=False)


def feed():
    results = [add.delay(number, 1) for number in range(20)]
    print([result.get(timeout=30) for result in results])
    print(custom.delay("x").get(timeout=30), outer.delay().get(timeout=30))
    print(again.delay().get(timeout=30))
    ignored.delay()
    rejected.delay()
    try:
        fails.delay().get(timeout=30)
    except KeyError as error:
        print(repr(error))
    print(add.delay(0, 0).get(timeout=30))


if __name__ == "__main__":
    if "eager" in sys.argv:
        app.conf.task_always_eager = True
        print(add.delay(1, 2).get(), custom.delay("x").get())
        print(type(fails.apply().result))
        app.conf.task_eager_propagates = True
        try:
            fails.delay()
        except KeyError as error:
            print(repr(error))
    else:
        feed()
