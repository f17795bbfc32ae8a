"""A simple server on Transformers and PEFT: requests are gathered for 20 ms into batches, each row with its adapter_names.

    python benchmarks/peft_server.py MODEL_DIR ADAPTERS_DIR COUNT PORT [MOST_IN_A_BATCH]

It takes what ServeLoad sends, the adapters a000, a001 and so on of a folder, writes greedily, and answers with the whole text at once
(in the form of a stream, which ServeLoad reads).
"""
import json
import os
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, GPT2Tokenizer

BASE, FOLDER, COUNT, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
MOST = int(sys.argv[5]) if len(sys.argv) > 5 else 32

torch.set_num_threads(os.cpu_count())
tokenizer = GPT2Tokenizer(BASE + "/vocab.json", BASE + "/merges.txt")
tokenizer.padding_side = "left"
tokenizer.pad_token = tokenizer.eos_token
names = ["a%03d" % i for i in range(COUNT)]
model = PeftModel.from_pretrained(
    AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval(), f"{FOLDER}/{names[0]}", adapter_name=names[0])
for name in names[1:]:
    model.load_adapter(f"{FOLDER}/{name}", adapter_name=name)
model.eval()
asked = queue.Queue()


def gather():
    batch = [asked.get()]
    end = time.time() + 0.02
    while len(batch) < MOST and time.time() < end:
        try:
            batch.append(asked.get(timeout=max(0, end - time.time())))
        except queue.Empty:
            break
    return batch


def work():
    while True:
        batch = gather()
        prompts = tokenizer([body["prompt"] for body, _ in batch], return_tensors="pt", padding=True)
        most = max(body["max_tokens"] for body, _ in batch)
        with torch.inference_mode():
            out = model.generate(**prompts, adapter_names=[body["model"] for body, _ in batch], max_new_tokens=most,
                                 min_new_tokens=most, do_sample=False, pad_token_id=tokenizer.eos_token_id)
        for (_, answer), ids in zip(batch, out):
            answer.put(tokenizer.decode(ids[prompts.input_ids.shape[1]:]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/metrics":
            used = os.times()
            self.send("text/plain", f"process_cpu_seconds_total {used.user + used.system}\n")
        else:
            models = [{"id": "base"}] + [{"id": name} for name in names]
            self.send("application/json", json.dumps({"data": models}, separators=(",", ":")))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = queue.Queue()
        asked.put((body, answer))
        event = json.dumps({"choices": [{"text": answer.get()}]}, separators=(",", ":"))
        self.send("text/event-stream", f"data: {event}\n\ndata: [DONE]\n\n")


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
Server(("127.0.0.1", PORT), Handler).serve_forever()
