# Frames to a pipeline.  pip install pyzmq numpy;  python send.py [tcp://127.0.0.1:9999] [number of frames]
# The pipeline connects:  source { type: zmq, socket: pull, connect: "tcp://127.0.0.1:9999", codec: array-1.0 }
import json, sys, numpy, zmq
endpoint, count = (sys.argv[1:] + ["tcp://127.0.0.1:9999", "100"][len(sys.argv) - 1:])[:2]
context = zmq.Context.instance()
push = context.socket(zmq.PUSH)
push.bind(endpoint)
for number in range(int(count)):
    image = numpy.random.poisson(10, (512, 512)).astype("uint16")
    header = {"htype": "array-1.0", "shape": image.shape, "type": str(image.dtype), "frame": number}
    push.send_multipart([json.dumps(header).encode(), image.tobytes()])
push.close()
context.term()  # waits until every frame is sent
