import json, numpy, zmq
with zmq.Context() as context, context.socket(zmq.PUSH) as push:  # at the end it waits until every frame is sent
    push.bind("tcp://127.0.0.1:9999")
    for number in range(100):
        image = numpy.full((512, 512), number, "uint16")
        header = {"htype": "array-1.0", "shape": image.shape, "type": "uint16", "frame": number}
        push.send_multipart([json.dumps(header).encode(), image])
