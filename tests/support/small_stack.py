"""`ibalagh.local.supervisor` over one service for tests: `python -m tests.support.small_stack`."""

from ibalagh.local import supervisor
from ibalagh.local.errors import StackError
from ibalagh.local.paths import home
from ibalagh.local.services import Service
from ibalagh.local.stack import Stack

TABLE = (Service("echo", "tests.support.echo_service", 8100),)

if __name__ == "__main__":
    try:
        raise SystemExit(supervisor.run(Stack(home(), table=TABLE, workers={"echo": 2})))
    except StackError as error:
        raise SystemExit(str(error)) from None
