// The scripted conversation through the TypeScript client: node talk.mjs ERA URL, or node talk.mjs ERA COMMAND ARGUMENT…
import { readFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [era, target, ...rest] = process.argv.slice(2);
const steps = JSON.parse(readFileSync(process.env.CONVERSATION, 'utf8'));
const transport = target.startsWith('http')
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command: target, args: rest, env: process.env, stderr: 'inherit' });
const client = new Client({ name: 'talk', version: '1' }, { versionNegotiation: { mode: era } });
await client.connect(transport);
const told = [];
for (const step of steps) {
  const result = await client.callTool({ name: step.tool, arguments: step.arguments }, { timeout: 180000 });
  const row = { isError: Boolean(result.isError), data: result.structuredContent, types: result.content.map((item) => item.type), text: result.content[0].text };
  if (step.read) {
    const links = result.content.filter((item) => item.type === 'resource_link');
    const read = await client.readResource({ uri: links.at(-1).uri });
    row.read = read.contents[0].text;
  }
  told.push(row);
}
await client.close();
console.log(JSON.stringify(told));
