"""What all tests take for granted."""

import signal

# A shell that starts the tests in the background lets them ignore Ctrl-C, and with them all processes they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
