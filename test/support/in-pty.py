"""Runs a command in a pseudo terminal of 30 rows and 100 columns and drives it: in-pty.py '{"command": [...], "steps": [...]}'.

A step may hold `until` (wait for this text after what was seen so far), `size` ([rows, columns]), `keys`, and `signal`
(to the command, or to the process `kill`). Prints JSON: `status` (exit code, negative for a signal) and `screen` (all that was written).
"""

import fcntl, json, os, pty, select, signal, struct, sys, termios, time

LIMIT_S = 40
job = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    time.sleep(0.1)  # until the size is set
    os.execvp(job["command"][0], job["command"])


def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(30, 100)
written = b""
ends_at = time.monotonic() + LIMIT_S


def read():
    """False at the end of the output."""
    global written
    if not select.select([terminal], [], [], max(0, ends_at - time.monotonic()))[0]:
        os.kill(child, signal.SIGKILL)
        return False
    try:
        data = os.read(terminal, 65536)
    except OSError:  # Linux: the other side is closed
        return False
    written += data
    return bool(data)


seen = 0
for step in job["steps"]:
    if "until" in step:
        text = step["until"].encode()
        while text not in written[seen:]:
            if not read():
                break
        seen = written.find(text, seen) + len(text)
    if "size" in step:
        resize(*step["size"])
        seen = len(written)
    if "keys" in step:
        os.write(terminal, step["keys"].encode())
    if "signal" in step:
        os.kill(step.get("kill", child), step["signal"])
while read():
    pass
_, status = os.waitpid(child, 0)
print(json.dumps({"status": os.waitstatus_to_exitcode(status), "screen": written.decode("utf-8", "replace")}))
