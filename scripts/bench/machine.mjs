/**
 * Why this exists: a figure means something only beside the day, the machine and the load that it was measured with.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Processor, cores, memory and kernel. */
export function machine() {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpuModel()}, ${cpus().length} cores, ${memory} GiB, ${type()} ${release().split('-', 1)[0] ?? ''}`;
}

export function cpuModel() {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

export function rustVersion() {
  return execFileSync('rustc', ['--version'], { encoding: 'utf8' }).trim();
}

/** The load average of the last minute. */
export function currentLoad() {
  return loadavg()[0]?.toFixed(2) ?? '';
}

export function today() {
  return new Date().toISOString().slice(0, 10);
}

/** The day, the processor and Node's version; a second record of the same day replaces the first. */
export function recordName() {
  const processor = cpuModel().toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${today()}-${processor}-node${process.versions.node}`;
}
