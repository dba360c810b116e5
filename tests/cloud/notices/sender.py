"""The sender of notices as a process of its own, to be killed: it takes a DSN and a folder."""

import ipaddress
import sys
import threading
from pathlib import Path

from cloud.notices.notifier import Notifier
from cloud.settings import Notices
from tests.cloud.site import make_settings

if __name__ == "__main__":
    own = ipaddress.ip_network("127.0.0.0/8")
    notifier = Notifier(make_settings(Path(sys.argv[2]), notices=Notices(networks=(own,))), sys.argv[1])
    notifier.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()
