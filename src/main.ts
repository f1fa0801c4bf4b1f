import { enableCompileCache } from 'node:module';

enableCompileCache();
const [{ main }, { processIo }] = await Promise.all([
  import('#cli/main.ts'),
  import('#platform/process-io.ts'),
]);
process.exitCode = await main(process.argv.slice(2), processIo);
