// Counts o200k_base tokens: lines of JSON strings on stdin, a number a line on stdout.
import { createInterface } from 'node:readline';
import { Tiktoken } from 'js-tiktoken/lite';
import ranks from 'js-tiktoken/ranks/o200k_base';

const encoding = new Tiktoken(ranks);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(encoding.encode(JSON.parse(line), 'all').length);
}
