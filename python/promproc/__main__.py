"""``python -m promproc`` is promproc."""

import os
import sys

from promproc import find_program

if __name__ == "__main__":
    try:
        program = find_program()
        os.execv(program, ["promproc", *sys.argv[1:]])
    except OSError as error:
        sys.exit("promproc: error: {}".format(error))
