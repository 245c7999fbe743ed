import express from 'express';
import { createAccounts, createAuth } from 'keyturn';

const auth = createAuth({ store: 'sqlite:./data/app.db', issuer: 'https://app.example', audience: 'app' });
const accounts = createAccounts(auth.sessions);
await accounts.save({ name: 'alice', password: 'wonderland' });

express()
  .use('/auth', auth.router({ authenticate: ({ body }) => accounts.authenticate(body.username, body.password) }))
  .get('/api/me', auth.requireAuth(), (req, res) => res.json(req.auth))
  .listen(process.env.PORT ?? 3000);
