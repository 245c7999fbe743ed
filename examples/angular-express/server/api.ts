import { randomUUID } from 'node:crypto';

import express, { Router } from 'express';
import { type Auth, KeyturnError } from 'keyturn';

const MAX_ITEM_LENGTH = 100;

/** What the demo protects: one route for every kind of guard. */
export function createApi(auth: Auth): Router {
  const api = Router();
  api.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });

  api.get('/me', auth.requireAuth(), (req, res) => {
    res.json(req.auth);
  });
  api.get('/admin', auth.requireRole('admin'), (req, res) => {
    res.json({ message: `Welcome to the administration, ${req.auth?.sub ?? ''}.` });
  });
  api.get('/reports', auth.requirePermission('reports:read'), (_req, res) => {
    res.json({ reports: [{ name: 'Orders by week', rows: 12 }, { name: 'Sessions by device', rows: 3 }] });
  });
  // The guard comes first: nobody's body is read before it is known who sends it.
  api.post('/orders', auth.requirePermission('orders:write'), express.json({ limit: '16kb' }), (req, res) => {
    res.status(201).json({ order: { id: randomUUID(), item: itemOf(req.body), by: req.auth?.sub } });
  });
  return api;
}

/** An order may come without a body; what it holds is checked. */
function itemOf(body: unknown): string {
  const item: unknown = typeof body === 'object' && body !== null && 'item' in body ? body.item : 'one of everything';
  if (typeof item === 'string' && item !== '' && item.length <= MAX_ITEM_LENGTH) return item;
  throw new KeyturnError('ERR_BODY_INVALID', `item must be a text of 1 to ${String(MAX_ITEM_LENGTH)} characters`);
}
