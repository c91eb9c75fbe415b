import json, numpy, zmq
pull = zmq.Context().socket(zmq.PULL)
pull.bind("tcp://127.0.0.1:5556")
for _ in range(100):
    header, data = pull.recv_multipart()
    header = json.loads(header)
    image = numpy.frombuffer(data, header["type"]).reshape(header["shape"])
    print(header["frame"], image.shape, image.dtype, image[0, 0])
