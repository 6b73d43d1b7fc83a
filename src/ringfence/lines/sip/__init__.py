"""The SIP line: calls through telephone trunks, by PJSIP in child processes.

A child process holds a few calls (four with the wheel from PyPI, hundreds with a build of the
operator's own) and loses nothing but its own calls when it dies. PJSIP is loaded in children only:
it has another licence, and its faults stay there.
"""
