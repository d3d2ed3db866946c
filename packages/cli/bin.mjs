#!/usr/bin/env node
// Stands here before anything is built, so that npm links `baton` at its install.
await import('./dist/program/bin.js')
