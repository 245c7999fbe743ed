/**
 * Why this exists: the comparison needs a build and packages that nothing else needs; this is all of it in one command.
 *
 *     node scripts/bench.mjs [ARGUMENT...]
 *
 * The arguments are criterion's, for instance `verify/HS256` to sample only those cases. The report with its plots is
 * target/criterion/report/index.html.
 */
import { prepareBench, runBench } from './bench/prepare.mjs';
import { ToolchainError } from './build/toolchain.mjs';

try {
  process.exitCode = (await prepareBench()) ? await runBench(process.argv.slice(2)) : 1;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
