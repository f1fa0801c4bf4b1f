// The dialects this server can speak. Without the line below, it speaks its own protocols alone.
export { mediawikiDialect } from '#mediawiki/dialect.ts';
