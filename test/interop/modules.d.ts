// Libraries that carry no types of their own.
declare module 'oauth';
declare module 'passport-oauth1';
declare module 'passport-mediawiki-oauth';
declare module 'express';
declare module 'simple-oauth2';
declare module 'passport-oauth2';
