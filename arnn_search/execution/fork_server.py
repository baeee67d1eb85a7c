"""What the process that trials are forked from does before the first one; it imports this for the effect."""

import signal

from arnn_search.execution.process_tree import adopt_orphans

# A job that is to end is told so in all of its processes; the supervisor decides what that means.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
adopt_orphans()
