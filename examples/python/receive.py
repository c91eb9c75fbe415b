# Profiles from a pipeline.  pip install pyzmq numpy;  python receive.py [tcp://127.0.0.1:5556] [number of profiles]
# The pipeline connects:  sink { type: zmq, socket: push, connect: "tcp://127.0.0.1:5556", codec: array-1.0 }
import json, sys, numpy, zmq
endpoint, count = (sys.argv[1:] + ["tcp://127.0.0.1:5556", "100"][len(sys.argv) - 1:])[:2]
pull = zmq.Context.instance().socket(zmq.PULL)
pull.bind(endpoint)
for _ in range(int(count)):
    header, data = pull.recv_multipart()
    header = json.loads(header)
    axis, intensity, sigma = numpy.frombuffer(data, header["type"]).reshape(header["shape"])
    print(f"{header['frame']}: {axis.size} bins, highest {intensity.max():g} at {header['columns'][0]} = {axis[intensity.argmax()]:g}")
