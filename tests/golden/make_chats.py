"""Golden values of chat templates: what Jinja2, with the settings of Transformers, and a tokenizer make of them.

    python tests/golden/make_chats.py      # Transformers 5.18.0, Jinja2 3.1.6

Writes models/src/test/resources/chats/expressions.json: single expressions and statements with what they print, or that they
are an error; and chats.json: random chats, by the templates that lie there, with their text, the marked parts, and the ids and
assistant masks of GPT-2's tokenizer.
"""
import datetime, gzip, json, pathlib, random, shutil, tempfile
import transformers
import transformers.utils.chat_template_utils as chat

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "models/src/test/resources/chats"
V={"name":"Zoë 😀","n":3,"x":-7,"f":2.5,"t":True,"nul":None,"l":[3,1,2],"ls":["b","A","c","a"],"d":{"b":1,"a":{"k":[1,2,{"z":None}]},"items":"it"},"e":[],"es":"","s":"  Hello World\n foo bar\t","m":[{"role":"user","content":"Hi <b> \"q\" 'x'","n":2},{"role":"assistant","content":None,"n":1},{"role":"user","content":"é\u2028\x07","n":3}],"big":1e20,"sm":1.5e-7,"u":"a,b,,c"}
T = []
def t(*a): T.extend(a)
exprs="""name n x f t nul l ls d e es s m big sm
1+2 1-2 7//2 -7//2 7%3 -7%3 7.5%2 -7.5%2 2**10 2**-1 1/2 4/2 2*3.0 'a'*3 3*'ab' [1]*2 [1]+[2] (1,)+(2,3) -n +n -f not t not~1
1==1.0 true==1 'a'<'b' 1<2<3 1<2>3 1!=2 'a'=='a' none==false l==[3,1,2] (1,2)==[1,2] d=={}
1~'a'~none~true~1.5 n~name 'x'in'xyz' 'q'not~in'xyz' 1~in~l 'b'~in~d
l[0] l[-1] l[5] l[1:] l[::-1] l[:2] l[-2:] name[0] name[-1] name[4:] name[::-1] s[2:5] d.b d['b'] d.a.k[2].z d['items'] d.nope d['nope'] m[0].role m[0]['content'] m[-1].n m[1:][0].role
l|length name|length d|length es|length undef|length s|trim s.strip() s.lstrip() s.rstrip() s.strip('\\n\\t') 'xxhixx'.strip('x') 'a\\nb' "a\\tb\\\\c\\'" '\\u00e9\\x41' s.split() s.split('o') s.split('o',1) u.split(',') u.rsplit(',',1) s.rsplit(none,1) s.split()[-1] s.splitlines() s.upper() s.lower() s.title() s.capitalize() s|title s|capitalize 'hello-world(foo bar'|title 'hello-world(foo bar'.title()
'abc'.startswith('a') 'abc'.endswith(('x','c')) 'abc'.find('c') 'abc'.find('z') 'abcabc'.rfind('b') 'abcabc'.count('b') 'abc'.index('c') 'abc'.replace('b','X') 'aaa'.replace('a','b',2) 'abc'.replace('','-') 'a'|replace('a','b') '-'.join(ls) ls|join ls|join(', ') l|join('-') m|map(attribute='role')|join(',') m|join(',',attribute='n')
'{} {}'.format(1,'a') '{0}{1}{0}'.format('x','y') '{a}'.format(a=3) '%s-%d-%.2f'%('a',3,2.456) '%s'%name '%5s|%-5s|%05d'%('a','b',42) '%s %s'|format('a',1) '%x'%255 '%r'%'a'
'12'.isdigit() 'ab'.isalpha() 'a1'.isalnum() ' '.isspace() 'AB'.isupper() 'aB'.islower() '7'.zfill(3) 'a'.ljust(3)~'|' 'a'.rjust(3) 'a'.center(4)~'|' 'a-b-c'.partition('-') 'a-b-c'.rpartition('-') 'prefix'.removeprefix('pre') 'prefix'.removesuffix('fix') 'aBc'.swapcase() 'ß'.upper() 'ab'|center(5)~'|'
undef undef|default('x') es|default('x') es|default('x',true) nul|default('x') nul|default('x',true) undef~'a' undef|string undef|trim undef|upper undef|list undef==undef2 undef.a undef['a'] undef+1 undef() undef|tojson undef~in~l 1~in~undef l.foo.bar nul.foo nul.foo.bar
l|first l|last e|first e|last name|first name|last l|sort l|sort(reverse=true) ls|sort ls|sort(case_sensitive=true) m|sort(attribute='n')|map(attribute='n')|list l|reverse|list 'abc'|reverse l|sum l|min l|max ls|max ls|min ls|unique|list [1,1,2,'a','A']|unique|list m|sum(attribute='n') d|items|list d|dictsort {'b':1}.items()|list d.keys()|list {'a':1,'b':2}.values()|list d.get('b') d.get('q') d.get('q','z') m|selectattr('role','equalto','user')|list|length m|selectattr('content')|list|length m|rejectattr('role','==','user')|map(attribute='n')|list l|select('odd')|list l|reject('gt',1)|list ls|map('upper')|list m|map(attribute='zz',default='D')|list l|batch(2)|list l|batch(2,'x')|list l|slice(2)|list m|groupby('role')|map('first')|list [[1,2],[3]]|map('length')|list
'42'|int '42.7'|int 'x'|int 'x'|int(7) 3.99|int '3.5'|float 'q'|float t|int nul|int -3|abs 2.5|round 3.5|round 2.567|round(2) 2.561|round(1,'ceil') 2.567|round(1,'floor') 42|round 2.5|round|int
d|tojson m|tojson name|tojson d|tojson(indent=2) e|tojson(indent=2) d|tojson(separators=(',',':')) d|tojson(sort_keys=true) name|tojson(ensure_ascii=true) [1.0,1e20,1.5e-7,none,true]|tojson {}|tojson d|tojson|length '</script>'|tojson "a\\"b\\\\c"|tojson
'a<b>&"\\''|e 'a<b>'|safe 'a\\nb\\n\\nc'|indent 'a\\nb\\n\\nc'|indent(2,true) 'a\\nb\\n\\nc'|indent(2,blank=true) 'a\\nb'|indent('> ') 'a~b'|wordcount
n~is~defined undef~is~defined undef~is~not~defined nul~is~none n~is~number n~is~integer f~is~float t~is~boolean t~is~integer t~is~number t~is~true name~is~string d~is~mapping l~is~iterable name~is~iterable n~is~iterable l~is~sequence d~is~sequence n~is~odd n~is~even n~is~divisibleby~3 n~is~divisibleby(2) n~is~eq~3 n~is~gt(2) n~is~in~l n~is~in([1]) 'a'~is~lower 'A'~is~upper range~is~callable nul~is~sameas~none t~is~sameas~true l~is~not~string n~is~not~none~and~n 1~if~n~is~defined~else~2 1~if~false (1~if~false)|default(3) n~is~undefined~or~t
range(3)|list range(1,7,2)|list range(3,0,-1)|list dict(a=1,b=2) namespace(a=1).a [1,2,][0] {'a':1,}['a'] () (1,) (1) [] {} 'a''b' 1_000 0x1f 1e3 1.5e-3 0b11 true True none None false
l.append(1) l.pop() d.update({}) d.pop('b') d.__class__ name.__class__ ''.__class__.__mro__ l.__len__ m.copy() l.index(1) l.count(1) l.index(9)
1/0 1%0 'a'+1 1+'a' none+1 [1]<'a' 1<'a' none<1 'a'-1 l['a'] n() n[0] n.x 'a'.nomethod() x|nofilter x~is~notest
strftime_now('%d~%b~%Y') strftime_now('%Y-%m-%d~%H:%M:%S~%p~%A~%B~%-d~%j~%e~%y~%%')
not~(1~in~l) 1~not~in~l not~1~in~l -l|length (-3)|abs -3|string 2**3**2 2+3*4-1 1~~2 'a'~1+2 -2**2 10-2-3 7//2*2 2*7//2 1+1~2*2
'abc'[1] 'abc'[10] l[1:][0] l[:-1] l[::2] l[5:] name[1:3] ls[::-1]|join e[0] {1:'a'}[1] {'x':{'y':1}}.x.y loop m|map(attribute='content')|list
s.split('\\n')[0] s.split('\\n')[-1].strip() 'a</think>b'.split('</think>')[-1].lstrip('\\n') 'a</think>b'.split('</think>')[0].rstrip('\\n').split('<think>')[-1] 'abc'.split('') 'a~b~~c'.split('~') 'a~b~~c'.split() ''.split() ''.split(',')""".split('\n')
for row in exprs:
    for e in row.split(' '):
        e=e.replace('~~','\x00').replace('~',' ').replace('\x00','~') if not e.startswith(('1~\'a','n~name','undef~\'a')) else e
        t('{{ '+e+' }}')
t("{{ [1.0, 100.0, 1e15, 1e16, 123456789.123, 0.0001, 0.00001, -0.0, 1/3] }}", "{{ 'it\\'s' }} {{ ['it\\'s', 'a\"b', 'x\\ny'] }} {{ ['\\u00e9', '\\u200b', '\\x01'] }}")
t("{% if n %}\n  a\n{% endif %}\nb\n", "a\n  {% if n %}x{% endif %}  \n b", "  {{ n }}  \n", "{%- if n -%}  x  {%- endif -%}  y", "a {#- c -#} b", "a\n{# c #}\nb", "a\n  {# c #}\nb\n\n", "  {%+ if n %}x{% endif %}", "{% if n +%}\nx{% endif %}", "{{- n -}} \n\n z", "x\r\ny\rz\r\n", "{% raw %}{{ a }} {% b %}{% endraw %}x", "a\n  {% raw %}\n x\n  {% endraw %}\nb", "a\n  {%- raw -%}\n x\n  {%- endraw -%}\nb", "{{ '}}' }} {{ '%}' }}", "{{ {'a': {'b': 1}} }}", "{% set x = {'a':{}} %}{{x}}", "a\n\n", "a\n", "\n", "", "{{+n}}", "{{-n}}", "   \n  {% set a=1 %}  \n  {{ a }}", "{% for i in l %}\n{{ i }}\n{% endfor %}\n", "{% for i in l -%}\n  {{ i }}\n{%- endfor %}\n", "\t{% if n %}\t\n\t{% endif %}", "x {% if n %}\n\n y{% endif %}\n\n", "{#x\n#}\n  {% if 1 %}y{% endif %}", "{{ n }}\n  {% if 1 %}y{% endif %}", "{{ n -}}\n  {% if 1 %}y{% endif %}","a\u00a0\n\u00a0{% if 1 %}y{% endif %}")
t("{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
"{% for i in l if i>1 %}{{ i }}/{{ loop.length }}{% else %}none{% endfor %}", "{% for i in e %}x{% else %}none{% endfor %}", "{% for k,v in d.items() %}{{k}}={{v}};{% endfor %}", "{% for k in d %}{{k}}{% endfor %}", "{% for c in 'aé😀' %}[{{c}}]{% endfor %}", "{% for i in undef %}x{% endfor %}ok", "{% for i in nul %}x{% endfor %}", "{% for i in n %}x{% endfor %}",
"{% for i in l %}{% if i==1 %}{% continue %}{% endif %}{{i}}{% endfor %}", "{% for i in l %}{% if i==1 %}{% break %}{% endif %}{{i}}{% endfor %}", "{% set x=1 %}{% for i in l %}{{x}}{% set x=i %}{{x}}{% endfor %}{{x}}", "{% set ns=namespace(x=0, y='a') %}{% for i in l %}{% set ns.x=ns.x+i %}{% endfor %}{{ns.x}}{{ns.y}}{{ns.z}}", "{% if true %}{% set q=5 %}{% endif %}{{q}}", "{% set a,b = 1,2 %}{{a}}{{b}}", "{% set (a,b) = (1,2) %}{{a}}{{b}}", "{% set a = 1,2 %}{{a}}", "{% set a,b = 1 %}", "{% set x %}a{{n}}\n{% endset %}[{{x}}]", "{% set x | upper | trim %} a{{name}} {% endset %}[{{x}}]", "{% set d.b = 1 %}",
"{% macro f(a, b=2, c='x') %}{{a}}{{b}}{{c}}{{varargs}}{{kwargs}}{% endmacro %}{{f(1)}}|{{f(1,3)}}|{{f(a=5)}}|{{f()}}|{{f(1,c='y')}}", "{% macro f(a) %}{{a}}{% endmacro %}{{f(1)|length}}{{ f('x') ~ f('y') }}", "{% macro f(n) %}{% if n > 0 %}{{n}}{{ f(n-1) }}{% endif %}{% endmacro %}{{f(4)}}", "{% macro f() %}<{{caller()}}>{% endmacro %}{% call f() %}x{{n}}{% endcall %}", "{% macro f() %}<{{caller(3)}}>{% endmacro %}{% call(z) f() %}x{{z}}{% endcall %}", "{% macro f() %}{{y}}{% endmacro %}{% set y=3 %}{{f()}}", "{% macro f(m) -%}\n  {{ m.role }}\n{%- endmacro %}\n{% for q in m %}{{ f(q) }},{% endfor %}",
"{% filter upper %}abc{{n}}{% endfilter %}", "{% filter replace('a','b')|upper %}aXa{% endfilter %}", "{% with a=1, b=2 %}{{a}}{{b}}{% endwith %}{{a}}", "{% for i in [[1,[2]],[3,[]]] recursive %}{{i}}{% if i is iterable %}({{ loop(i) }}){% endif %}{% endfor %}", "{% for r in ['a','b','c'] %}{{ loop.cycle('x','y') }}{{ loop.changed(r) }}{% endfor %}", "{% set c = cycler('a','b') %}{{c.next()}}{{c.next()}}{{c.current}}", "{% set j = joiner('|') %}{{j()}}a{{j()}}b",
"{{ raise_exception('bad ' ~ n) }}", "{% if n == 4 %}a{% elif n == 3 %}b{% else %}c{% endif %}", "{% if n == 4 %}a{% elif n == 5 %}b{% elif nul %}q{% else %}c{% endif %}", "{% generation %}abc{{n}}{% endgeneration %}", "x{% for q in m %}\n{{q.role}}{% generation %}{{ q.content }}!{% endgeneration %}\n{% endfor %}", "{% generation %}\nabc\n{% endgeneration %}\nd", "{%- generation -%}\n abc \n{%- endgeneration -%}\n d","{% set g=1 %}{% generation %}{% set g=2 %}{{g}}{% endgeneration %}{{g}}","{% macro f() %}a{% generation %}b{% endgeneration %}{% endmacro %}xx{{f()}}", "{% set z %}a{% generation %}b{% endgeneration %}{% endset %}xx{{z}}",
"{% if %}", "{% for %}", "{{ }}", "{{ a b }}", "{% endif %}", "{% if n %}", "{{ (1 }}", "{{ 'a }}", "{% nosuch %}", "{{ 1 + }}", "{% set x %}", "{# a", "{% break %}", "{% for i in l %}{% endif %}", "{{ a..b }}", "{{ [1,,2] }}", "{% if a = 1 %}{% endif %}",
"{{ 'a' if n is defined and n == 3 else 'b' }}", "{{ ('a' if t) ~ ('b' if not t) }}", "{{ (m|selectattr('role','equalto','user')|list)[0].content }}", "{{ m[-1]['content'] if m else '' }}", "{%- set sys = m[0]['content'] if m[0]['role']=='system' else 'dflt' -%}{{sys}}", "{{ m|map('attr','role')|list|length }}", "{{ '\\n' + 'x' }}", "{{ \"\\n\" ~ '\\\\n' }}", "{% for i in range(2) %}{% for j in range(2) %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{% endfor %}", "{% set loop_messages = m[1:] %}{% for q in loop_messages %}{{ q['role'] }}{% if not loop.last %},{% endif %}{% endfor %}", "{{ bos_token }}{{ undef_tok | default('') }}", "{% for t in m %}{{ t | tojson(indent=4) }}\n{% endfor %}", "{{ {'a': m[0], 'b': [1,2]} | tojson }}", "{% if m[0].content is string %}s{% elif m[0].content is iterable %}i{% endif %}","{% for a in l %}{% for b in l %}{% if b==1 %}{% break %}{% endif %}{{a}}{{b}} {% endfor %}{% endfor %}", "{{ l is iterable and l is not string and l is not mapping }}", "{% for k, v in d | dictsort %}{{k}}:{{v}} {% endfor %}", "{% for k, v in d | items %}{{k}}:{{v}} {% endfor %}", "{{ 'x' * n }}{{ n * 'yz' }}", "{{ [1,2,3][1:]|join('') }}", "{{ m | length > 2 and m[0].role == 'user' }}", "{{ loop is defined }}", "{% for i in [1] %}{{ loop is defined }}{% endfor %}{{ loop is defined }}")


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 4, 5, 6)


chat.datetime = Fixed


def chars(text, at):
    """Java counts a character beyond the first plane as two."""
    return len(text[:at].encode("utf-16-le")) // 2


def rendered(template, variables):
    known = ("messages", "tools", "documents", "add_generation_prompt")
    try:
        text, marked = chat._render_with_assistant_indices(
            compiled_template=chat._compile_jinja_template(template), messages=variables.get("messages"),
            tools=variables.get("tools"), documents=None, add_generation_prompt=variables.get("add_generation_prompt", False),
            **{name: value for name, value in variables.items() if name not in known})
        return {"text": text, "marked": [[chars(text, a), chars(text, b)] for a, b in marked]}
    except Exception:
        return {"error": True}


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (OUT / name).write_text(text.replace('{"template"', '\n{"template"').replace('{"variables"', '\n{"variables"') + "\n")


write("expressions.json", {"variables": V, "cases": [{"template": t, **rendered(t, V)} for t in T]})

random.seed(5)
WORDS = "hello world\n the <t> x </t> answer \u00e9 \U0001f600 {{ }} {% %} tab\t ' \" \\ <end> \u65e5\u672c".split(" ")


def words():
    text = " ".join(random.choice(WORDS) for _ in range(random.randint(0, 8)))
    if random.random() < .3:
        text = " " + text + "\n"
    if random.random() < .2:
        text = "<t>\n" + text + "\n</t>\n\n" + text
    return "[result]" + text if random.random() < .1 else text


def talk():
    messages = [{"role": "system", "content": words()}] if random.random() < .4 else []
    for _ in range(random.randint(1, 3)):
        messages.append({"role": "user", "content": words()})
        if random.random() < .85:
            turn = {"role": "assistant", "content": words()}
            if random.random() < .15:
                turn["thought"] = words()
            if random.random() < .15:
                turn["tool_calls"] = [{"type": "function", "function": {"name": "f", "arguments": {"a": words(), "b": [1, 2.5, None]}}}]
                messages += [turn, {"role": "tool", "content": words()}]
            else:
                messages.append(turn)
    return messages


def tools():
    return [{"type": "function", "function": {"name": "f", "description": words(), "parameters": {"type": "object", "n": [1.0, True]}}}]


with tempfile.TemporaryDirectory() as folder:
    for name, as_name in (("vocab.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
        with gzip.open(OUT.parent / "tokenizers/gpt2" / (name + ".gz")) as packed:
            (pathlib.Path(folder) / as_name).write_bytes(packed.read())
    tokenizer = transformers.GPT2TokenizerFast.from_pretrained(folder)
    cases = []
    for file in sorted(OUT.glob("*.jinja")):
        for _ in range(30):
            variables = {"messages": talk(), "tools": tools() if random.random() < .3 else None,
                         "add_generation_prompt": random.random() < .5}
            if random.random() < .2:
                variables["think"] = random.random() < .5
            case = {"template": file.name, "given": variables, **rendered(file.read_text(), {
                **variables, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"})}
            if case.get("marked") and not variables["add_generation_prompt"]:
                encoded = tokenizer.apply_chat_template(
                    variables["messages"], tools=variables["tools"], chat_template=file.read_text(), return_dict=True,
                    return_assistant_tokens_mask=True)
                case["ids"] = encoded["input_ids"]
                case["mask"] = "".join(map(str, encoded["assistant_masks"]))
            cases.append(case)
    write("chats.json", cases)
