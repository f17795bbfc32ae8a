"""What Hugging Face's tokenizers, sentencepiece and Transformers make of texts, for PipelineGoldenTest and CompareTokenizer.

    python make_tokenizers.py golden FOLDER [SEED [COUNT]]     small tokenizers of every component, with texts, ids and texts again
    python make_tokenizers.py compare FOLDER LINES [KIND]      expected.jsonl for a folder's real tokenizer and a file of lines
    python make_tokenizers.py characters                       how every code point is classified, beside unicode.txt

FOLDER of golden is models/src/test/resources/tokenizers/pipeline. Everything is trained on the text below, which is ours.
LINES has a JSON string in each line. KIND is json (tokenizer.json as it stands, the default), auto (AutoTokenizer) or spm.
Made with tokenizers 0.23, transformers 5.18, sentencepiece 0.2.2.
"""
import gzip
import io
import json
import os
import random
import sys
import tempfile

OWN = """The ferryman counts seven lanterns on the far bank, and none of them is his. Don't hurry: we'll cross when they're lit.
Rain again!? She said it's 3.14 euros, or 1,000 for the lot (cash only) -- "no cheques", he'd added.
An unaffable gardener, unaffected by weather, unties the affable goat; the goat's untied, isn't it?
Der alte Fährmann zählt Öllampen, heißt es, und grüßt höflich über den Fluß. Straße, STRASSE, Maße.
L'été dernier, à l'aube, un garçon naïf a reçu cent œufs; où est la clé? Ça alors, c'était prévu.
İstanbul'da ılık bir ışık, İZMİR ve ığdır; şoför çay içiyor.
Паромщик считает семь фонарей на том берегу, и ни один из них не его. Ещё рано, подождём.
Ο βαρκάρης μετρά επτά φανάρια στην άλλη όχθη· κανένα δεν είναι δικό του. ΣΟΦΟΣ σοφός.
המעבוראי סופר שבעה פנסים בגדה השנייה, ואף אחד מהם אינו שלו. שָׁלוֹם
المراكبي يعدّ سبعة فوانيس على الضفة الأخرى، وليس أيّ منها له. ٣٫١٤
नाविक दूसरे किनारे पर सात लालटेन गिनता है, और उनमें से कोई उसकी नहीं। १२३ क्षत्रिय
船夫数着对岸的七盏灯笼，没有一盏是他的。３个人在等船。
渡し守は向こう岸の七つの提灯を数える。どれも彼のものではない。カタカナー、ひらがな。
뱃사공은 건너편의 등불 일곱 개를 센다. 그 어느 것도 그의 것이 아니다. 한국어
คนแจวเรือนับโคมไฟเจ็ดดวงบนฝั่งตรงข้าม ไม่มีดวงใดเป็นของเขา น้ำ
მებორნე შვიდ ფარანს ითვლის გაღმა. ႠႡ ᲛᲔᲑᲝᲠᲜᲔ
Լաստավարը հաշվում է յոթ լապտեր մյուս ափին։
Người lái đò đếm bảy ngọn đèn lồng ở bờ bên kia. Tiếng Việt có nhiều dấu.
def cross(river, lamps=7):    return [lamp for lamp in river if lamp.lit and not lamp.mine]  # none
    <|turn|>user 👋🏽 hello 👩‍👩‍👧 🇩🇪 ❤️ ok… «so» — “that’s” ½ ² Ⅷ ① ﬁn ﬆ Å K Ω""".split('\n')

HOSTILE = ['\u0301', '\u0323', '\u0327', '\u1ab0', '\u20dd', '\u05b4', '\u0651', '\u200f', '\u202e', '\u200d', '\x00', '\x01',
           '\x1b', '\x7f', '\x85', '\xa0', '\xad', '\u200b', '\ufeff', '\ufffd', '\u2028', '\u3000', '中', '文', '가', '\u1100',
           '\u1161', '\u11a8', 'İ', 'ı', 'I', 'ß', 'ẞ', 'Σ', 'ς', 'Ა', 'ǅ', 'ŉ', 'ﬁ', 'Å', 'K', '½', '²', 'Ⅷ', '①', '٣',
           'क्ष', 'กำ', '\U00010400', '\U0001D400', '\U00020000', '\U0002B820', '\U0002F800', '\ue000', '\U0010FFFF', '\u0378',
           '.', ',', '!', "'", '"', '_', '-', '—', '…', '。', '、', '€', '+', '<', '|', '~', 'a', 'e', 'The', 'the', ' ', ' ',
           '  ', '\t', '\n', '\r\n', '\r', '\x0b', '\u1680', '\u2003', "don't", "I'm", "you'll", 'x' * 25, '123', '3.14', '##',
           '[MASK]', '[SEP]', '</s>', '<s>', '<0x41>', '▁', 'Ġ', 'é', 'e\u0301', 'e\u0301\u0323', '👍', '👩‍💻', 'Hello', 'HELLO',
           'hello', 'day', '<a>', '<a><a>', '<b>']

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)"
          r"|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
EXPRESSIONS = [LLAMA3, O200K, r'\w+', r'[^\w\s]+', r'\s+', r' ', r'\p{P}', r'[一-龥\u3040-ゟ]+', r'\d{1,2}', r'\b', r'^.', r'.$',
               r'(?<=[a-z])(?=[A-Z])', r'[[:punct:]]', r'\p{Han}|\p{Hiragana}+', r'x{2,3}+', r'(?m:.)\n', r'[a-c&&[^b]]', r'\h+',
               r'a*', r'(\w)\1', r'\R', r'(?<!\p{L})\p{N}', r'(?<=\p{L}|\n)[^\p{L}]', r'\P{L}+', r'[]\-.]', r'\p{^N}', r'(?>e|l)+', r'\u0061|\x{62}',
               r'[\w\-]+', r'\W', r'[[:alnum:]]+', r'e|(?#x)l', r'(?<n>l)\k<n>', r'o\z', r'[-a]', r'\p{Lu}\p{Ll}+']


def texts(rng, count):
    made = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.3:
            line = rng.choice(OWN)
            at = rng.randrange(len(line))
            made.append(line[at:at + rng.randrange(5, 60)])
        elif kind < 0.4:
            made.append(rng.choice(OWN))
        else:
            made.append(''.join(rng.choice(HOSTILE) for _ in range(rng.randrange(1, 12))))
    return made + ['', ' ']


def cased(name):
    return ''.join(part.capitalize() for part in name.split('_'))


def normalizer(rng, depth=0):
    kinds = ['BertNormalizer', 'Strip', 'StripAccents', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'Nmt', 'Replace', 'Replace',
             'Prepend', 'ByteLevel'] + (['Sequence'] * 4 if depth < 2 else [])
    kind = rng.choice(kinds)
    flag = lambda: rng.random() < 0.5
    made = {'type': kind}
    if kind == 'BertNormalizer':
        made |= {'clean_text': flag(), 'handle_chinese_chars': flag(), 'strip_accents': rng.choice([None, True, False]), 'lowercase': flag()}
    elif kind == 'Strip':
        made |= {'strip_left': flag(), 'strip_right': flag()}
    elif kind == 'Replace':
        made |= {'pattern': pattern(rng), 'content': rng.choice(['', ' ', '▁', 'X', 'é', 'ab'])}
    elif kind == 'Prepend':
        made |= {'prepend': rng.choice(['▁', ' ', 'a', ''])}
    elif kind == 'Sequence':
        made |= {'normalizers': [normalizer(rng, depth + 1) for _ in range(rng.randrange(0, 4))]}
    return made


def pattern(rng):
    return {'Regex': rng.choice(EXPRESSIONS)} if rng.random() < 0.7 else {'String': rng.choice([' ', 'e', '.', 'll', '▁', 'é', '-', "'s"])}


def behavior(rng):
    return rng.choice(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])


def pre_tokenizer(rng, depth=0):
    kinds = ['BertPreTokenizer', 'ByteLevel', 'CharDelimiterSplit', 'Metaspace', 'Metaspace', 'Whitespace', 'WhitespaceSplit',
             'Split', 'Split', 'Split', 'Split', 'Punctuation', 'Digits', 'UnicodeScripts', 'FixedLength'] + (['Sequence'] * 4 if depth < 2 else [])
    kind = rng.choice(kinds)
    flag = lambda: rng.random() < 0.5
    made = {'type': kind}
    if kind == 'ByteLevel':
        made |= {'add_prefix_space': flag(), 'trim_offsets': flag(), 'use_regex': flag()}
    elif kind == 'CharDelimiterSplit':
        made |= {'delimiter': rng.choice([' ', '-', 'e', '中'])}
    elif kind == 'Metaspace':
        made |= {'replacement': rng.choice(['▁', '_']), 'prepend_scheme': rng.choice(['always', 'first', 'never']), 'split': flag()}
    elif kind == 'Split':
        made |= {'pattern': pattern(rng), 'behavior': behavior(rng), 'invert': flag()}
    elif kind == 'Punctuation':
        made |= {'behavior': behavior(rng)}
    elif kind == 'Digits':
        made |= {'individual_digits': flag()}
    elif kind == 'FixedLength':
        made |= {'length': rng.randrange(1, 7)}
    elif kind == 'Sequence':
        made |= {'pretokenizers': [pre_tokenizer(rng, depth + 1) for _ in range(rng.randrange(0, 4))]}
    return made


def decoder(rng, depth=0):
    kinds = ['BPEDecoder', 'ByteLevel', 'WordPiece', 'Metaspace', 'CTC', 'Replace', 'Fuse', 'ByteFallback', 'ByteFallback', 'Strip'] + (
        ['Sequence'] * 5 if depth < 1 else [])
    kind = rng.choice(kinds)
    flag = lambda: rng.random() < 0.5
    made = {'type': kind}
    if kind == 'BPEDecoder':
        made |= {'suffix': rng.choice(['¶', 'e'])}
    elif kind == 'ByteLevel':
        made |= {'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}
    elif kind == 'WordPiece':
        made |= {'prefix': rng.choice(['##', '<']), 'cleanup': flag()}
    elif kind == 'Metaspace':
        made |= {'replacement': '▁', 'prepend_scheme': rng.choice(['always', 'first', 'never']), 'split': flag()}
    elif kind == 'CTC':
        made |= {'pad_token': rng.choice(['[P]', '<0x20>']), 'word_delimiter_token': rng.choice(['|', '<0x65>']), 'cleanup': flag()}
    elif kind == 'Replace':
        made |= {'pattern': pattern(rng), 'content': rng.choice(['', ' ', 'X'])}
    elif kind == 'Strip':
        made |= {'content': rng.choice([' ', '<', 'a']), 'start': rng.randrange(0, 3), 'stop': 0}
    elif kind == 'Sequence':
        made |= {'decoders': [decoder(rng, depth + 1) for _ in range(rng.randrange(1, 5))]}
    return made


def post_processor(rng, depth=0):
    kind = rng.choice(['TemplateProcessing', 'TemplateProcessing', 'BertProcessing', 'RobertaProcessing', 'ByteLevel'] + (['Sequence'] if depth < 1 else []))
    made = {'type': kind}
    level = {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}
    if kind == 'TemplateProcessing':
        special = {'[C]': {'id': '[C]', 'ids': [256], 'tokens': ['[C]']}, '[S]': {'id': '[S]', 'ids': [257, 258], 'tokens': ['[S]', '[P]']}}
        piece = lambda: {'SpecialToken': {'id': rng.choice(['[C]', '[S]']), 'type_id': rng.randrange(3)}}
        text = lambda which: {'Sequence': {'id': which, 'type_id': rng.randrange(3)}}
        some = lambda: [piece() for _ in range(rng.randrange(0, 3))]
        both = ['A', 'B'] if rng.random() < 0.8 else ['B', 'A']
        made |= {'single': some() + [text('A')] + some(), 'pair': some() + [text(both[0])] + some() + [text(both[1])] + some(), 'special_tokens': special}
    elif kind == 'BertProcessing':
        made |= {'sep': ['[S]', 257], 'cls': ['[C]', 256]}
    elif kind == 'RobertaProcessing':
        made |= {'sep': ['[S]', 257], 'cls': ['[C]', 256], 'trim_offsets': True, 'add_prefix_space': False}
    elif kind == 'ByteLevel':
        made = level
    else:
        made |= {'processors': [level, post_processor(rng, 1)] if rng.random() < 0.5 else [level]}
    return made


def added_tokens(rng):
    contents = rng.sample(['[MASK]', '<a>', '<a><a>', 'day', 'Hello', 'HELLO', ' ', '\n', 'é', '中', '</s>', 'the', "don't", '3.14'], rng.randrange(0, 6))
    flag = lambda: rng.random() < 0.4
    made = [{'id': 256 + i, 'content': c, 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False, 'special': True}
            for i, c in enumerate(['[C]', '[S]', '[P]'])]
    for content in contents:
        made.append({'id': 256 + len(made), 'content': content, 'single_word': flag(), 'lstrip': flag(), 'rstrip': flag(), 'normalized': flag(), 'special': flag()})
    return made


def bytes_vocabulary():
    """Every byte a token: ids show what has become of a text, letter by letter, and ¶ where words end."""
    return {'<0x%02X>' % b: b for b in range(256)}


def pipeline(rng):
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added_tokens(rng),
            'normalizer': normalizer(rng) if rng.random() < 0.7 else None,
            'pre_tokenizer': pre_tokenizer(rng) if rng.random() < 0.8 else None,
            'post_processor': post_processor(rng) if rng.random() < 0.7 else None,
            'decoder': decoder(rng) if rng.random() < 0.9 else None,
            'model': {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None, 'end_of_word_suffix': '¶',
                      'fuse_unk': False, 'byte_fallback': True, 'ignore_merges': False, 'vocab': bytes_vocabulary(), 'merges': []}}


def expected(tokenizer, line, rng, pairs=True):
    whole = tokenizer.encode(line)
    plain = tokenizer.encode(line, add_special_tokens=False)
    made = {'a': line, 'ids': whole.ids, 'plain': plain.ids}
    for name, ids, skip in (('decoded', plain.ids, False), ('text', whole.ids, True)):
        try:
            made[name] = tokenizer.decode(ids, skip_special_tokens=skip)
        except BaseException:  # some decoders panic on some tokens
            made[name] = None
    if pairs:
        other = texts(rng, 1)[0]
        pair = tokenizer.encode(line, other)
        made |= {'b': other, 'a2': line, 'pair': pair.ids, 'types': pair.type_ids, 'special': pair.special_tokens_mask}
        which, side, longest = rng.choice(['longest_first', 'only_first', 'only_second']), rng.choice(['left', 'right']), rng.randrange(10, 40)
        made |= {'which': which, 'side': side, 'max': longest, 'cut': None}
        try:
            tokenizer.enable_truncation(longest, strategy=which, direction=side)
            made['cut'] = tokenizer.encode(line, other).ids
        except BaseException:
            pass
        tokenizer.no_truncation()
    return made


def pipelines(rng, count, lines):
    from tokenizers import Tokenizer
    made = []
    while len(made) < count:
        file = pipeline(rng)
        try:
            tokenizer = Tokenizer.from_str(json.dumps(file))
        except BaseException:
            continue  # the library panics at a token that its normalizer makes nothing of
        looked = [tokenizer.normalizer.normalize_str(t['content']) for t in file['added_tokens'] if t['normalized'] and tokenizer.normalizer]
        if '' in looked or len(set(looked)) < len(looked):
            continue  # which of two it finds is chance
        file['model']['vocab'] = 'bytes'
        examples = []
        for i, line in enumerate(texts(rng, lines)):
            try:
                examples.append(expected(tokenizer, line, rng, i % 4 == 0))
            except BaseException:
                pass  # a panic of the library
        made.append({'tokenizer': file, 'expected': examples})
    return made


def trained(rng, lines):
    """Small tokenizers as people have them, each trained on the text above."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    def bert(normal, name, unk='[UNK]', prefix='##', size=260):
        t = Tokenizer(models.WordPiece(unk_token=unk, continuing_subword_prefix=prefix, max_input_chars_per_word=30))
        t.normalizer, t.pre_tokenizer, t.decoder = normal, pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(prefix=prefix)
        t.train_from_iterator(OWN, trainers.WordPieceTrainer(vocab_size=size, special_tokens=['[PAD]', unk, '[CLS]', '[SEP]', '[MASK]'], continuing_subword_prefix=prefix, show_progress=False))
        t.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
        return name, t

    yield bert(normalizers.BertNormalizer(), 'bert-uncased')
    yield bert(normalizers.BertNormalizer(lowercase=False), 'bert-cased')
    yield bert(normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]), 'wordpiece-other-prefix', '<unk>', '@')

    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder, t.post_processor = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel(), processors.RobertaProcessing(('</s>', 2), ('<s>', 0))
    t.train_from_iterator(OWN, trainers.BpeTrainer(vocab_size=400, special_tokens=['<s>', '<pad>', '</s>', '<unk>'], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens([AddedToken('<mask>', lstrip=True)])
    yield 'byte-level-roberta', t

    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(OWN, trainers.BpeTrainer(vocab_size=400, special_tokens=['<|begin|>', '<|end|>'], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    yield 'byte-level-split', t

    t = Tokenizer(models.BPE(unk_token='<unk>', fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend('▁'), normalizers.Replace(' ', '▁')])
    t.decoder = decoders.Sequence([decoders.Replace('▁', ' '), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(' ', 1, 0)])
    t.train_from_iterator([w for l in OWN[:6] for w in l.split(' ')], trainers.BpeTrainer(vocab_size=480, special_tokens=['<unk>', '<s>', '</s>'] + ['<0x%02X>' % b for b in range(256)], show_progress=False))
    t.post_processor = processors.TemplateProcessing(single='<s> $A', pair='<s> $A <s>:1 $B:1', special_tokens=[('<s>', 1)])
    yield 'bpe-byte-fallback', t

    for fuse in (True, False):
        t = Tokenizer(models.BPE(unk_token='<unk>', fuse_unk=fuse, continuing_subword_prefix='##', end_of_word_suffix='</w>'))
        t.normalizer, t.pre_tokenizer, t.decoder = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), pre_tokenizers.Whitespace(), decoders.BPEDecoder('</w>')
        t.train_from_iterator(OWN[:9], trainers.BpeTrainer(vocab_size=300, special_tokens=['<unk>'], continuing_subword_prefix='##', end_of_word_suffix='</w>', show_progress=False))
        yield 'bpe-prefix-suffix-' + ('fused' if fuse else 'apart'), t

    for scheme in ('always', 'first', 'never'):
        t = Tokenizer(models.Unigram())
        t.normalizer = normalizers.Sequence([normalizers.Precompiled(small_charsmap()), normalizers.Replace(Regex(' {2,}'), ' ')])
        t.pre_tokenizer, t.decoder = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme != 'first'), decoders.Metaspace(prepend_scheme=scheme)
        t.train_from_iterator(OWN[:9], trainers.UnigramTrainer(vocab_size=220, special_tokens=['<pad>', '<unk>', '</s>', 'é<x>'], unk_token='<unk>', show_progress=False))
        t.post_processor = processors.TemplateProcessing(single='$A </s>', pair='$A </s> $B </s>', special_tokens=[('</s>', 2)])
        yield 'unigram-' + scheme, t

    t = Tokenizer(models.Unigram([('<unk>', 0.0)] + [('<0x%02X>' % b, -9.0) for b in range(256)] + [(c, -3.0) for c in '▁theran'] + [('▁the', -4.0), ('er', -5.0), ('ra', -5.0), ('an', -5.0)], 0, True))
    t.pre_tokenizer, t.decoder = pre_tokenizers.Metaspace(), decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    yield 'unigram-byte-fallback', t

    t = Tokenizer(models.WordLevel(unk_token='<unk>'))
    t.normalizer, t.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation('removed'), pre_tokenizers.Digits(individual_digits=True)])
    t.train_from_iterator(OWN, trainers.WordLevelTrainer(vocab_size=200, special_tokens=['<unk>', '[C]', '[S]'], show_progress=False))
    t.post_processor = processors.BertProcessing(('[S]', 2), ('[C]', 1))
    yield 'word-level', t


def small_charsmap():
    """A charsmap of few rules, some of several characters."""
    import sentencepiece as spm
    from transformers.convert_slow_tokenizer import import_protobuf
    rules = {'ﬁ': 'fi', 'ﬆ': 'st', '\u212b': 'Å', '\u212a': 'K', 'e\u0301': 'é', '½': '1⁄2', '²': '2', '\u3000': ' ', '\t': ' ', '\n': ' ',
             '\u200b': ' ', '\x01': '', '\xad': '', '３': '3', '，': ',', '\u0e01\u0e33': 'x', '\r\n': ' ', '\x7f': '', '한': '가', '\u1112\u1161': '하'}
    folder = tempfile.mkdtemp()
    with open(folder + '/rules.tsv', 'w', encoding='utf-8') as out:
        for key, value in rules.items():
            out.write(' '.join('%X' % ord(c) for c in key) + '\t' + ' '.join('%X' % ord(c) for c in value) + '\n')
    train_spm(folder + '/m', normalization_rule_tsv=folder + '/rules.tsv', vocab_size=300)
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(open(folder + '/m.model', 'rb').read())
    return proto.normalizer_spec.precompiled_charsmap


def train_spm(prefix, **options):
    import sentencepiece as spm
    path = prefix + '.txt'
    with open(path, 'w', encoding='utf-8') as out:
        out.write('\n'.join(OWN[:9] * 3))
    spm.SentencePieceTrainer.train(input=path, model_prefix=prefix, minloglevel=2, num_threads=1, **({'hard_vocab_limit': False} | options))
    os.remove(path)


def sentencepieces(folder, rng, lines):
    """Three small models: as SentencePiece runs two of them, and as Transformers runs one for DeBERTa."""
    import sentencepiece as spm
    from transformers import AutoTokenizer
    kinds = {'unigram': dict(vocab_size=520, character_coverage=0.98, byte_fallback=True, user_defined_symbols=['<sep>', 'ferry man'], normalization_rule_tsv=None),
             'bpe': dict(vocab_size=470, model_type='bpe', character_coverage=0.98, byte_fallback=True, normalization_rule_name='identity', remove_extra_whitespaces=False, user_defined_symbols=['<sep>']),
             'deberta': dict(vocab_size=240, character_coverage=0.98, pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece='[PAD]', bos_piece='[CLS]', eos_piece='[SEP]', unk_piece='[UNK]', normalization_rule_name='identity')}
    rules = tempfile.mkdtemp() + '/rules.tsv'
    with open(rules, 'w') as out:
        out.write('FB01\t66 69\n65 301\tE9\n3000\t20\n9\t20\nA\t20\nAD\t\n')
    kinds['unigram']['normalization_rule_tsv'] = rules
    for kind, options in kinds.items():
        os.makedirs(folder + '/' + kind, exist_ok=True)
        train_spm(folder + '/' + kind + '/spm', **options)
        os.remove(folder + '/' + kind + '/spm.vocab')
        with open(folder + '/' + kind + '/expected.jsonl', 'w') as out:
            if kind == 'deberta':
                json.dump({'model_type': 'deberta-v2'}, open(folder + '/' + kind + '/config.json', 'w'))
                tokenizer = AutoTokenizer.from_pretrained(folder + '/' + kind)._tokenizer
                tokenizer.no_truncation()
                for i, line in enumerate(texts(rng, lines)):
                    out.write(json.dumps(expected(tokenizer, line, rng, i % 3 == 0)) + '\n')
            else:
                pieces = spm.SentencePieceProcessor(model_file=folder + '/' + kind + '/spm.model')
                for line in texts(rng, lines) + ['a <sep> b', '<sep>a  <sep>', 'the ferry man', ' the  ferry man ', 'ferry manferry man']:
                    if '\0' not in line and '<s>' not in line and '</s>' not in line:
                        ids = pieces.encode(line)
                        text = pieces.decode(ids)
                        out.write(json.dumps({'a': line, 'ids': ids, 'plain': ids, 'decoded': text, 'text': text}) + '\n')


def packed(path):
    """The same bytes each time: without the hour."""
    return io.TextIOWrapper(gzip.GzipFile(filename='', mode='wb', fileobj=open(path, 'wb'), mtime=0), encoding='utf-8')


def golden(folder, seed=1, count=120):
    rng = random.Random(seed)
    with packed(folder + '/pipelines.jsonl.gz') as out:
        for line in pipelines(rng, count, 6 if count <= 120 else 40):
            out.write(json.dumps(line) + '\n')
    with packed(folder + '/trained.jsonl.gz') as out:
        for name, tokenizer in trained(rng, 12):
            examples = [expected(tokenizer, line, rng, i % 4 == 0) for i, line in enumerate(texts(rng, 14 if count <= 120 else 400))]
            out.write(json.dumps({'name': name, 'tokenizer': json.loads(tokenizer.to_str()), 'expected': examples}) + '\n')
    sentencepieces(folder, rng, 40 if count <= 120 else 2000)


def compare(folder, lines, kind='json'):
    from tokenizers import Tokenizer
    rng = random.Random(3)
    if kind == 'spm':
        import sentencepiece as spm
        name = next(n for n in ('spm.model', 'spiece.model', 'tokenizer.model') if os.path.exists(folder + '/' + n))
        pieces = spm.SentencePieceProcessor(model_file=folder + '/' + name)
    elif kind == 'auto':
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(folder)._tokenizer
    else:
        tokenizer = Tokenizer.from_file(folder + '/tokenizer.json')
    with open(folder + '/expected.jsonl', 'w') as out:
        for i, line in enumerate(map(json.loads, open(lines))):
            if kind == 'spm':
                ids = pieces.encode(line)
                text = pieces.decode(ids) if pieces.unk_id() not in ids else None
                out.write(json.dumps({'a': line, 'ids': ids, 'plain': ids, 'decoded': text, 'text': text}) + '\n')
            else:
                tokenizer.no_truncation()
                tokenizer.no_padding()
                out.write(json.dumps(expected(tokenizer, line, rng, i % 5 == 0)) + '\n')


def characters():
    from tokenizers import normalizers, pre_tokenizers
    bert = lambda **on: normalizers.BertNormalizer(**({'clean_text': False, 'handle_chinese_chars': False, 'strip_accents': False, 'lowercase': False} | on))
    rewriting = {'clean': bert(clean_text=True), 'chinese': bert(handle_chinese_chars=True), 'accents': bert(strip_accents=True),
                 'lower': normalizers.Lowercase(), 'NFD': normalizers.NFD(), 'NFKD': normalizers.NFKD(), 'marks': normalizers.StripAccents()}
    cuts = {'punctuation': pre_tokenizers.Punctuation(), 'numeric': pre_tokenizers.Digits(individual_digits=True), 'space': pre_tokenizers.WhitespaceSplit()}
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            found = [name + '>' + '+'.join('%x' % ord(x) for x in n.normalize_str(chr(c))) for name, n in rewriting.items() if n.normalize_str(chr(c)) != chr(c)]
            found += [name for name, p in cuts.items() if len(p.pre_tokenize_str('a' + chr(c) + 'a')) > 1]
            if found:
                print('%x' % c, *found)


if __name__ == '__main__':
    command, *rest = sys.argv[1:]
    if command == 'golden':
        golden(rest[0], *map(int, rest[1:]))
    elif command == 'compare':
        compare(*rest)
    else:
        characters()
