# Opens a socket and hands it to a program, as a service manager does; starts the program again for each line on its input.
# Arguments: the port (0 lets the system choose), then the program and its words, in which PORT is replaced.
import os
import socket
import sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(4096)
port = listener.getsockname()[1]
print(f"port {port}", flush=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="proxy")
        os.execv(sys.argv[2], [word.replace("PORT", str(port)) for word in sys.argv[2:]])
    os.waitpid(child, 0)
    print("ended", flush=True)
