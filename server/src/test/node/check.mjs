// Talks to a server by the official OpenAI client, and prints what it got as JSON: node check.mjs URL TOKEN MODEL
import OpenAI from "openai";

const [url, token, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url + "v1", apiKey: token, maxRetries: 0 });
const result = {};

result.models = (await client.models.list()).data.map(one => one.id);
result.retrieved = (await client.models.retrieve(model)).id;

const asked = { model, prompt: "The house", max_tokens: 16, temperature: 0, logprobs: 2 };
const completion = await client.completions.create(asked);
result.completion = completion.choices[0].text;
result.finish = completion.choices[0].finish_reason;
result.usage = completion.usage;
result.tokens = completion.choices[0].logprobs.tokens.length;

result.streamed = "";
for await (const chunk of await client.completions.create({ ...asked, stream: true })) {
  result.streamed += chunk.choices[0].text;
}

const chat = { model, messages: [{ role: "user", content: "The house" }], max_completion_tokens: 12, seed: 5, n: 2 };
const answer = await client.chat.completions.create(chat);
result.chat = answer.choices.map(choice => choice.message.content);
result.chatStreamed = ["", ""];
const stream = await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  for (const choice of chunk.choices) {
    result.chatStreamed[choice.index] += choice.delta.content ?? "";
  }
  if (chunk.usage) {
    result.chatUsage = chunk.usage;
  }
}
result.sameUsage = JSON.stringify(result.chatUsage) === JSON.stringify(answer.usage);

const helper = client.chat.completions.stream({ model, messages: chat.messages, max_tokens: 12, temperature: 0 });
result.helper = await helper.finalContent();

// a stream that is abandoned
const abandoned = await client.completions.create({ model, prompt: "The", max_tokens: 200, stream: true, ignore_eos: true });
for await (const chunk of abandoned) {
  break;
}

const failures = [];
for (const wrong of [
  () => client.completions.create({ model: "nobody", prompt: "a" }),
  () => client.completions.create({ model, prompt: "a", temperature: 9 }),
  () => new OpenAI({ baseURL: url + "v1", apiKey: "not-the-token", maxRetries: 0 }).models.list(),
]) {
  try {
    await wrong();
    failures.push("none");
  } catch (e) {
    failures.push(`${e.constructor.name} ${e.status} ${e.code}`);
  }
}
result.failures = failures;
console.log(JSON.stringify(result));
