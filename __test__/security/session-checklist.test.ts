import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { projectText } from '../support/documents.js';

interface Attack {
  readonly attack: string;
  /** By the file, the words with which the tests begin that try it. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

const MANAGER = 'crates/stores/tests/stores/manager.rs';
const MANAGER_OPTIONS = 'crates/stores/tests/stores/manager_options.rs';
const ROTATION = 'crates/core/src/session/rotation/mod.rs';

/**
 * The attacks on sessions, refresh and their way over HTTP that are known of session libraries. Each is tried where it would
 * be made: in the core, on a real store, between processes, or by a request.
 */
const ATTACKS: Readonly<Record<string, Attack>> = {
  S1: {
    attack: 'one refresh token from 50 sides at once',
    tests: {
      'crates/stores/tests/stores/races.rs': ['on_the_memory_store', 'on_one_sqlite_file_with_four_connections', 'on_one_redis_with_two_hosts'],
      '__test__/sessions/cluster.test.ts': ['answer 50 refreshes of one token at once with one successor and no error'],
      '__test__/express/routes/refresh.test.ts': ['lets 50 at once through, which leave one live token'],
    },
  },
  S2: {
    attack: 'a used token after the grace',
    tests: {
      [ROTATION]: ['after_the_grace_the_predecessor_is_reuse_and_ends_the_session'],
      '__test__/sessions/create.test.ts': ['catch a token that comes a second time after the grace, and kill its access tokens'],
    },
  },
  S3: {
    attack: 'a used token after a restart, a crash, a fail-over or a step back of the clock',
    tests: {
      '__test__/crash/kill.test.ts': ['has forgotten nothing that it acknowledged in SQLite', 'has forgotten nothing that it acknowledged in Redis'],
      'crates/stores/tests/stores/redis_sentinel.rs': ['after_a_fail_over_that_lost_the_last_write_the_user_is_healed_and_the_stale_token_caught'],
      [ROTATION]: ['a_clock_that_goes_back_neither_opens_the_grace_again_nor_ends_a_session'],
    },
  },
  S4: {
    attack: 'a commit that fails and burns the token',
    tests: { [MANAGER]: ['a_failed_commit_leaves_the_token_good'], [MANAGER_OPTIONS]: ['a_commit_that_failed_or_was_lost_leaves_the_token_good'] },
  },
  S5: {
    attack: 'a lost answer, or two pages',
    tests: { [ROTATION]: ['the_live_token_rotates_once_and_its_predecessor_replays', 'without_grace_every_second_use_is_reuse'] },
  },
  S6: { attack: 'a token of two generations ago within the grace', tests: { [ROTATION]: ['a_grandparent_is_reuse_even_within_the_grace'] } },
  S7: {
    attack: 'a life that creeps on',
    tests: { [ROTATION]: ['an_access_token_never_outlives_its_session'], 'crates/core/src/session/record.rs': ['activity_moves_the_idle_end_and_never_the_absolute_one'] },
  },
  S8: {
    attack: 'a stolen token from another client',
    tests: { [ROTATION]: ['a_live_token_from_elsewhere_is_rejected_revoked_or_reported'], '__test__/express/auth.test.ts': ['binds sessions to what context says of a login and a refresh'] },
  },
  S9: {
    attack: 'a look into the store',
    tests: { 'crates/stores/tests/stores/keys/sealing.rs': ['a_sealed_file_holds_no_key'], '__test__/sessions/master-key.test.ts': ['seals the keys in the store, so that the file shows none'] },
  },
  S10: {
    attack: 'a session from before the login kept after it',
    tests: {
      '__test__/express/routes/login.test.ts': ['ends the session whose refresh cookie came along'],
      'crates/stores/tests/stores/renewal.rs': ['the_tokens_of_the_old_session_die_and_those_of_the_new_one_say_what_changed'],
    },
  },
  S11: {
    attack: 'tokens that live on after a logout, a lock or a new password',
    tests: {
      '__test__/sessions/cluster.test.ts': ['all refuse within 250 ms what one of them ended', 'all refuse within a second what one of them ended'],
      '__test__/revocation/revocation.test.ts': ['kills a session, a subject and everything, with what could refresh them'],
    },
  },
  S12: {
    attack: 'a request forged by another site',
    tests: {
      '__test__/express/csrf.test.ts': ['stops everything else, without a body being read'],
      '__test__/express/routes/refresh.test.ts': ['answers 403 to a missing or wrong XSRF token'],
      '__test__/http/origin.test.ts': ['stops what is not listed exactly'],
      '__test__/express/router.test.ts': ['does not let a header or the query choose the method'],
    },
  },
  S13: { attack: 'a login forged by another site', tests: { '__test__/express/routes/login.test.ts': ['answers 403 to a login with', 'answers 415 to what an HTML form can send'] } },
  S14: {
    attack: 'cookies tossed in by a neighbour',
    tests: { '__test__/express/routes/refresh.test.ts': ['refuses two refresh cookies even if one is good'], '__test__/http/cookies.test.ts': ['always writes Path, Secure and SameSite=Strict, and never a Domain'] },
  },
  S15: {
    attack: 'line breaks and quotes in headers',
    tests: { '__test__/http/responses.test.ts': ['keeps what a message quotes from ending the quoted string or the header'], '__test__/http/cookies.test.ts': ['refuses the value'] },
  },
  S16: {
    attack: 'guessed passwords',
    tests: {
      '__test__/express/login-limit.test.ts': ['stops one address that tries every account', 'does not let one address lock an account for others'],
      '__test__/express/routes/login.test.ts': ['gives one answer to an unknown user and a wrong password'],
    },
  },
  S17: { attack: 'an address of the client\'s choice', tests: { '__test__/express/routes/login.test.ts': ['does not let a client choose its address'], '__test__/http/client-address.test.ts': ['finds '] } },
  S18: { attack: 'clients that share a bucket', tests: { '__test__/http/ip.test.ts': ['keeps two IPv4 clients apart that arrive as mapped addresses'] } },
  S19: {
    attack: 'a flood of names',
    tests: {
      'crates/core/src/revocation/index.rs': ['at_its_bound_it_refuses_everything_and_forgets_nothing'],
      '__test__/express/login-limit.test.ts': ['bounds both the number of keys and their length'],
      'crates/core/src/session/contention.rs': ['sessions_do_not_mix_and_at_the_bound_the_older_half_is_forgotten'],
    },
  },
  S20: {
    attack: 'a store that is away',
    tests: {
      'crates/stores/tests/stores/redis_trouble.rs': ['a_frozen_server_costs_a_bounded_time', 'a_server_that_stays_away_is_waited_for_once_and_then_refused_at_once'],
      '__test__/sessions/staleness.test.ts': ['rejects where that was asked for, by the sessions or by one guard'],
    },
  },
  S21: { attack: 'rights that nobody gave', tests: { '__test__/express/guards.test.ts': ['do not read a claim that was inherited', 'answer 403 insufficient_scope without naming what is missing'] } },
  S23: { attack: 'a challenge that tells too much', tests: { '__test__/express/guards.test.ts': ['challenges a request without a token, without an error code'] } },
  S24: {
    attack: 'secrets in errors, events and logs',
    tests: {
      '__test__/sessions/create.test.ts': ['never print a token in an error'],
      '__test__/sessions/redis.test.ts': ['say that Redis is out of reach, without its password'],
      [MANAGER]: ['what_hands_out_tokens_prints_none'],
    },
  },
};

/** Attacks on what keyturn has not got, with what that is. */
const NOT_YET: Readonly<Record<string, string>> = { S22: 'an XSRF token sent to a foreign host: there is no adapter for Angular' };

describe('the checklist of attacks on sessions', () => {
  for (const [id, { attack, tests }] of Object.entries(ATTACKS)) {
    it(`${id}, ${attack}: has its tests`, () => {
      for (const [file, starts] of Object.entries(tests)) {
        const titles = titlesOf(file);
        for (const start of starts) assert.ok(titles.some((title) => title.startsWith(start)), `${file} has no test "${start}"`);
      }
    });
  }

  it('leaves none out', () => {
    const ids = [...Object.keys(ATTACKS), ...Object.keys(NOT_YET)].map((id) => Number(id.slice(1)));
    assert.deepEqual([...ids].sort((a, b) => a - b), Array.from({ length: 24 }, (_, n) => n + 1));
  });
});

/** The names of the tests of a file, of either language. */
function titlesOf(file: string): readonly string[] {
  const title = file.endsWith('.rs') ? /#\[test\]\s+fn (\w+)/g : /\bit\(\s*(['"`])(.*)\1,/g;
  return Array.from(projectText(file).matchAll(title), ([, first = '', second]) => second ?? first);
}
