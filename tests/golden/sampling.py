"""What Transformers' logits processors make of random logits, for SamplerTest.

    python sampling.py OUT.json

Each case: a prompt, what was written behind it, logits, the settings of a generation, and the probabilities that a token
would be drawn from (for do_sample=False: the index of the largest score). The processors are those that `generate` puts
together for these settings, in its order.
"""
import json
import random
import sys

import torch
import transformers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

VOCABULARY = 60


def cases():
    rng = random.Random(20)
    for number in range(60):
        prompt = [rng.randrange(VOCABULARY) for _ in range(rng.randrange(1, 9))]
        written = [rng.randrange(VOCABULARY) for _ in range(rng.randrange(0, 7))]
        spread = rng.choice([0.5, 2.0, 6.0])
        logits = [rng.gauss(0, spread) for _ in range(VOCABULARY)]
        if number % 5 == 4:  # many equal ones
            logits = [float(round(z)) for z in logits]
        stop = sorted(rng.sample(range(VOCABULARY), rng.choice([1, 1, 2])))
        equal = number % 5 == 4
        yield {
            "prompt": prompt,
            "written": written,
            "logits": torch.tensor(logits, dtype=torch.float32).tolist(),
            "stop": stop,
            "sample": number % 6 != 5,
            "temperature": rng.choice([1.0, 0.7, 0.05, 1.8]),
            "top_k": rng.choice([0, 0, 1, 5, 20, 60, 500]),
            # which of equal ones a nucleus takes is nowhere said
            "top_p": 1.0 if equal else rng.choice([1.0, 1.0, 0.95, 0.6, 0.1]),
            "min_p": rng.choice([0.0, 0.0, 0.05, 0.3, 1.0]),
            "repetition_penalty": rng.choice([1.0, 1.0, 1.3, 0.8, 5.0]),
            "min_new_tokens": rng.choice([0, 0, 3, 6]),
        }


def main():
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=4, n_layer=1, n_head=1)
    model = GPT2LMHeadModel(config)
    out = []
    for case in cases():
        settings = GenerationConfig(
            do_sample=case["sample"], repetition_penalty=case["repetition_penalty"],
            min_new_tokens=case["min_new_tokens"] or None, eos_token_id=case["stop"], pad_token_id=0,
            **(dict(temperature=case["temperature"], top_k=case["top_k"], top_p=case["top_p"],
                    min_p=case["min_p"] or None) if case["sample"] else {}))
        settings._eos_token_tensor = torch.tensor(case["stop"])
        prompt = torch.tensor([case["prompt"]])
        ids = torch.tensor([case["prompt"] + case["written"]])
        processors = model._get_logits_processor(
            generation_config=settings, input_ids_seq_length=prompt.shape[1], encoder_input_ids=prompt,
            prefix_allowed_tokens_fn=None, logits_processor=None, device="cpu")
        scores = processors(ids, torch.tensor([case["logits"]], dtype=torch.float32))[0]
        if case["sample"]:
            case["probabilities"] = torch.softmax(scores.double(), 0).tolist()
        else:
            case["chosen"] = int(scores.argmax())
        out.append(case)
    with open(sys.argv[1], "w") as file:
        json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "cases": out}, file)
        file.write("\n")


main()
