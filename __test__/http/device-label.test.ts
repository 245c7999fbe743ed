import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { deviceLabel } from '../../dist/http/device-label.js';

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('deviceLabel', () => {
  const cases: readonly (readonly [userAgent: string | undefined, label: string | undefined])[] = [
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, 'Edge on Windows'],
    [`Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0`, 'Opera on Windows'],
    [`Mozilla/5.0 (Linux; Android 14; SM-S901B) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`, 'Samsung Internet on Android'],
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`, 'Chrome on ChromeOS'],
    ['Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Linux'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15', 'Safari on macOS'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1', 'Chrome on iPad'],
    ['curl/8.5.0', 'curl'],
    ['node', 'node'],
    ['python-requests/2.32', 'python-requests'],
    ['Mozilla/5.0', undefined],
    ['Mozilla/5.0 (X11; Linux x86_64) Unknown/1.0', 'Linux'],
    ['', undefined],
    [undefined, undefined],
    ['<script>alert(1)</script>', undefined],
    ["x'; DROP TABLE sessions", undefined],
    ['\u00e9\u00e9', undefined],
    ['a'.repeat(33), undefined],
    [`${'a '.repeat(300)}Firefox/1.0`, 'a'],
  ];
  for (const [userAgent, label] of cases) {
    it(`makes ${label ?? 'nothing'} of ${JSON.stringify(userAgent?.slice(0, 60))}`, () => {
      assert.equal(deviceLabel(userAgent), label);
    });
  }

  it('takes no noticeable time for a hostile header', () => {
    const started = performance.now();
    deviceLabel(`Version/${'1.'.repeat(100_000)} ${'Safari '.repeat(100_000)}`);
    assert.ok(performance.now() - started < 100);
  });
});
