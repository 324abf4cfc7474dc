import { expect, test } from 'vitest';
import en from './en.json';
import ru from './ru.json';

type Texts = { [key: string]: string | Texts };

function lines(texts: Texts, prefix = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value]] : lines(value, `${prefix}${key}.`),
  );
}

const english = Object.fromEntries(lines(en));
const russian = Object.fromEntries(lines(ru));
// The server's sentences are English; only other languages need words for its codes.
const meant = (key: string) => !key.startsWith('problem.code.');
const plain = (key: string) => key.replace(/_(one|few|many|other)$/, '');
const keys = (texts: Record<string, string>) => [...new Set(Object.keys(texts).filter(meant).map(plain))].sort();

test('every text is there in both languages', () => {
  expect(keys(russian)).toEqual(keys(english));
});

test('a counted text has every form that its language has', () => {
  for (const [texts, language] of [
    [english, 'en'],
    [russian, 'ru'],
  ] as const) {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const counted = Object.keys(texts)
      .filter((key) => key.endsWith('_other'))
      .map(plain);
    for (const key of counted) for (const form of forms) expect(texts).toHaveProperty([`${key}_${form}`]);
  }
});

test('what a text is to be filled with is the same in both languages', () => {
  const filled = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();
  for (const [key, text] of Object.entries(english)) {
    if (key in russian && plain(key) === key)
      expect([key, filled(russian[key] as string)]).toEqual([key, filled(text)]);
  }
});
