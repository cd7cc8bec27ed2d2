"""Runs a command in a pseudo terminal of 80 by 24 and plays a person in front of it.

    terminal.py STEPS COMMAND...

STEPS is a JSON list: ["see", TEXT] and ["gone", TEXT] wait until the screen (does not) show the text,
["type", TEXT] types it, ["run", COMMAND] runs a shell command, ["resize", [ROWS, COLUMNS]] does that,
["signal", NUMBER] sends one. Then the command has to end. Prints a JSON object: its exit status
(negative: ended by that signal), the text of the main screen, whether the other screen was used and
left, whether the cursor is visible, whether the terminal's modes are those of before; or the step that
failed, and the screen at that time.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 20
TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b.|[\s\S]")


class Screen:
    def __init__(self):
        self.cells, self.row, self.column = {}, 0, 0
        self.main, self.switches, self.cursor = "", [], True
        self.raw = ""

    def feed(self, text):
        self.raw += text
        end = 0
        for token in TOKEN.finditer(self.raw):
            if token.group() == "\x1b" or token.group().startswith("\x1b[") and not token.group(2):
                break
            end = token.end()
            self.take(token)
        self.raw = self.raw[end:]

    def take(self, token):
        parameters, command = token.group(1), token.group(2)
        if command in ("H", "f"):
            numbers = [int(n or 1) for n in (parameters or "1;1").split(";")]
            self.row, self.column = numbers[0] - 1, numbers[1] - 1
        elif command == "J":
            self.cells = {}
        elif command in ("h", "l") and parameters == "?1049":
            self.switches.append(command)
            self.cells = {}
        elif command in ("h", "l") and parameters == "?25":
            self.cursor = command == "h"
        elif command is None and self.switches[-1:] != ["h"]:
            self.main += token.group()
        elif command is None:
            self.cells[self.row, self.column] = token.group()
            self.column += 1

    def text(self):
        rows = range(max((row for row, _ in self.cells), default=-1) + 1)
        columns = range(max((column for _, column in self.cells), default=-1) + 1)
        return "\n".join("".join(self.cells.get((r, c), " ") for c in columns).rstrip() for r in rows)


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    master, slave = pty.openpty()
    resize(slave, 24, 80)
    before = termios.tcgetattr(slave)
    take_terminal = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=take_terminal
    )
    screen = Screen()
    failed = None
    for kind, what in steps:
        if kind == "type":
            os.write(master, what.encode())
        elif kind == "run":
            subprocess.run(what, shell=True, check=True)
        elif kind == "resize":
            resize(slave, *what)
        elif kind == "signal":
            process.send_signal(what)
        elif not wait(screen, master, lambda: (what in screen.text()) == (kind == "see")):
            failed = [kind, what]
            break
    if failed or not wait(screen, master, lambda: process.poll() is not None):
        process.kill()
        process.wait()
        print(json.dumps({"failed": failed or ["end", ""], "screen": screen.text() or screen.main}))
        return
    wait(screen, master, lambda: False, 0.1)
    print(json.dumps({
        "status": process.returncode,
        "main": screen.main,
        "switches": "".join(screen.switches),
        "cursor": screen.cursor,
        "restored": termios.tcgetattr(slave) == before,
    }))


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def wait(screen, master, is_so, patience=PATIENCE):
    end = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > end:
            return False
        if select.select([master], [], [], 0.05)[0]:
            screen.feed(os.read(master, 65536).decode(errors="replace"))
    return True


main()
