import { join } from 'node:path';

import express, { type RequestHandler, Router } from 'express';

/** The page's files, beside the folder of the compiled server. */
const FOLDER = join(__dirname, '../public');

/** What a page is made of; the folder also holds the settings of the compiler that checks it. */
const SERVED = /\/$|\.(?:css|html|mjs|svg)$/;

/**
 * The page. Its files keep their names from one version to the next, so a browser asks each time whether they have changed, which
 * costs a 304.
 */
export function servePage(): RequestHandler {
  const files = express.static(FOLDER, {
    cacheControl: false,
    redirect: false,
    setHeaders: (res) => {
      res.setHeader('Cache-Control', 'no-cache');
    },
  });
  return Router().get(SERVED, files);
}
