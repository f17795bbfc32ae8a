"""Golden values of DeBERTa classifiers, versions 2 and 3: like those of make_classifiers.py, whose files these are too.

    python tests/golden/make_deberta.py [--out tests/src/test/resources/classifiers] [CASE ...]

Transformers computes DeBERTa's attention in one way only, so it is `eager` here.
"""
from transformers import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification

import make_classifiers
from make_classifiers import LEFT, RIGHT, arguments, build

CASES = {}

SIZES = dict(vocab_size=41, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=26,
             max_position_embeddings=22, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2, pooler_dropout=0.15,
             cls_dropout=0.3, layer_norm_eps=1e-5)
# version 3: log buckets, the maps of contents serve distances too, normalised embeddings of distances, no positions added
V3 = dict(relative_attention=True, position_buckets=4, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type="p2c|c2p",
          position_biased_input=False, type_vocab_size=0)
# version 2's xlarge and xxlarge: the same, and a convolution
V2 = dict(V3, pos_att_type=["p2c", "c2p"], conv_kernel_size=3, conv_act="gelu")
# as in the first paper: a row for each distance, maps of their own for them, positions added
PLAIN = dict(relative_attention=True, max_relative_positions=6, pos_att_type=["c2p", "p2c"], share_att_key=False)

make_classifiers.ATTENTION = "eager"
make_classifiers.FAMILIES["deberta-v2"] = (
    DebertaV2Config, SIZES, DebertaV2ForSequenceClassification, DebertaV2ForMaskedLM)


def check(expected, params, saved, name, whole=make_classifiers.check):
    """A key's bias has no effect on a softmax where no score is a distance's by a content."""
    of_keys = [key for key in expected if "key_proj." in key and key.endswith(".bias") and expected[key].abs().max() <= 1e-6]
    assert not of_keys or name in WITHOUT_P2C or all(".pos_key_proj." in key for key in of_keys), (name, of_keys)
    whole({key: value for key, value in expected.items() if key not in of_keys}, params, saved, name)


make_classifiers.check = check
WITHOUT_P2C = ("deberta_c2p", "deberta_contents_only")


def case(name, description, config, **fields):
    CASES["deberta_" + name] = dict(description=description, family="deberta-v2", config=config, **fields)


QV = dict(r=4, lora_alpha=12, target_modules=["query_proj", "value_proj"])

case("v3_qv", "Like version 3, LoRA on query_proj and value_proj: the queries of distances learn with those of contents.", V3,
     lora=QV, batch=RIGHT)
case("v3_full", "Like version 3: every parameter trains, the embeddings of distances among them.", V3, labels=2, batch=RIGHT)
case("v3_left_padding", "Padding on the left: the first position is padding, which as a query sees all alike.", V3,
     lora=dict(r=3, lora_alpha=5, target_modules=["query_proj", "key_proj", "value_proj", "attention.output.dense"]), batch=LEFT)
case("v3_left_padding_full", "The same where every parameter trains, with positions added and two token types.",
     dict(V3, position_biased_input=True, type_vocab_size=2), batch=dict(padding="left", token_types=True))
case("v3_long", "Sequences longer than the farthest distance, in eight buckets a side.",
     dict(V3, position_buckets=8, max_relative_positions=24, max_position_embeddings=64),
     batch=dict(rows=2, length=45, padding="right"))
case("v2", "Like version 2's xxlarge, with a convolution behind the first block: every parameter trains.", V2, labels=2,
     batch=RIGHT)
case("v2_left_padding", "The convolution beside padding on the left; LoRA with every bias.", dict(V2, conv_act="tanh"),
     lora=dict(**QV, bias="all"), batch=LEFT)
case("convolution_groups", "A convolution of five positions in two groups behind the only block.",
     dict(V2, conv_kernel_size=5, conv_groups=2, conv_act="relu", num_hidden_layers=1), batch=RIGHT)
case("plain", "A row for each distance to six, maps of their own for distances, positions added: every parameter trains.", PLAIN,
     batch=RIGHT)
case("plain_all_linear", "DoRA on every linear map but the head, those of distances among them.", PLAIN,
     lora=dict(r=2, lora_alpha=6, target_modules="all-linear", use_dora=True, bias="all"), batch=RIGHT)
case("c2p", "Contents by distances only, with a map of its own.", dict(PLAIN, pos_att_type=["c2p"]), batch=RIGHT)
case("p2c", "Distances by contents only, through the shared map; log buckets without a norm.",
     dict(V3, pos_att_type=["p2c"], norm_rel_ebd="none"), batch=RIGHT)
case("p2c_lora", "Distances by contents only, LoRA on the keys and on the map of distances.",
     dict(PLAIN, pos_att_type=["p2c"], position_buckets=6),
     lora=dict(r=3, lora_alpha=8, target_modules=["key_proj", "pos_query_proj"], use_rslora=True), batch=RIGHT)
case("contents_only", "No attention by distance; the terms that are named count in the scale all the same.",
     dict(relative_attention=False, pos_att_type=["c2p", "p2c"]), labels=2, batch=RIGHT)
case("regression", "One label; tables narrower than the blocks, two token types, no padding token.",
     dict(V3, embedding_size=10, type_vocab_size=2, pad_token_id=None), labels=1,
     batch=dict(token_types=True))
case("embedding_size", "Tables wider than the blocks; LoRA on all linear maps, embed_proj and the pooler among them.",
     dict(V3, embedding_size=20, position_biased_input=True, pooler_hidden_act="tanh", hidden_act="gelu_new"),
     lora=dict(r=2, lora_alpha=4, target_modules="all-linear"), batch=LEFT)
case("masked_base", "The base was pretrained with masks (lm_predictions); head and pooler come from the adapter.",
     dict(V3, legacy=False), masked=True, lora=dict(**QV, modules_to_save=["pooler"]), batch=RIGHT)
case("torch_file", "The base is a pytorch_model.bin.", V3, bin=True, lora=QV, batch=RIGHT)
case("bare_names", "Old names: gamma and beta, position_ids, the body without its prefix.", V2, bare=True,
     lora=dict(r=3, lora_alpha=6, target_modules=["word_embeddings", "query_proj"]), batch=RIGHT)


def main():
    out, cases = arguments(__doc__.splitlines()[0], "classifiers")
    for number, (name, spec) in enumerate(CASES.items(), 401):
        if not cases or name in cases:
            build(name, spec, out, number)


if __name__ == "__main__":
    main()
