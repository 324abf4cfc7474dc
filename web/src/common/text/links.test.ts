import { expect, test } from 'vitest';
import { findLinks } from './links';

test.each([
  ['no address', [{ text: 'no address' }]],
  ['see https://a.example/x?y=1.', [{ text: 'see ' }, { link: 'https://a.example/x?y=1' }, { text: '.' }]],
  ['(https://a.example/x)', [{ text: '(' }, { link: 'https://a.example/x' }, { text: ')' }]],
  ['https://a.example/x_(y)', [{ link: 'https://a.example/x_(y)' }]],
  [
    'https://a.example https://b.example',
    [{ link: 'https://a.example' }, { text: ' ' }, { link: 'https://b.example' }],
  ],
  ['javascript:alert(1)', [{ text: 'javascript:alert(1)' }]],
  ['<b>bold</b>', [{ text: '<b>bold</b>' }]],
  ['https://', [{ text: 'https://' }]],
  ['', []],
])('%j', (text, pieces) => {
  expect(findLinks(text)).toEqual(pieces);
});
