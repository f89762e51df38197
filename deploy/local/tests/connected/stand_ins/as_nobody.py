"""Become an ordinary user for good, then the given program."""

import os
import sys

NOBODY = 65534

os.setgroups([])
os.setgid(NOBODY)
os.setuid(NOBODY)
os.execv(sys.argv[1], sys.argv[1:])
