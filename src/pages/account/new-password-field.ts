import { formField } from '../components.ts';
import type { Html } from '../frame.ts';
import type { Words } from '../words.ts';

/** The field for a password that is being chosen. */
export const newPasswordField = (words: Words, problem: string | null): Html =>
  formField({
    name: 'new-password',
    label: words.say('password.new'),
    help: words.say('setup.password-help'),
    type: 'password',
    problem,
    autocomplete: 'new-password',
    required: true,
    minLength: 8,
    maxLength: 512,
  });
