import { describe, expect, test } from 'vitest';
import { formatMoney, minorDigits, parseMoney, toDecimal, toTyped } from './money';

test('a currency has its own number of minor digits', () => {
  expect(['JPY', 'USD', 'KWD'].map(minorDigits)).toEqual([0, 2, 3]);
});

test.each([
  [0, 'USD', '0.00'],
  [5, 'USD', '0.05'],
  [-5, 'USD', '-0.05'],
  [123456, 'USD', '1234.56'],
  [123456, 'JPY', '123456'],
  [123456, 'KWD', '123.456'],
  [999_999_999_999_99, 'USD', '999999999999.99'],
])('%i minor units of %s are %s', (minor, currency, decimal) => {
  expect(toDecimal(minor, currency)).toBe(decimal);
});

test('amounts are shown in the form of the locale, to the last unit', () => {
  expect(formatMoney(123450, 'USD', 'en')).toBe('$1,234.50');
  expect(formatMoney(123450, 'EUR', 'ru')).toBe('1\u00a0234,50\u00a0€');
  expect(formatMoney(-7, 'USD', 'en')).toBe('-$0.07');
  expect(formatMoney(900_719_925_474_099_1, 'USD', 'en')).toBe('$90,071,992,547,409.91');
});

describe('an amount as typed', () => {
  test.each([
    ['12', 1200],
    ['12.5', 1250],
    ['12,5', 1250],
    ['0.07', 7],
    ['1,234', 123400],
    ['1,234.50', 123450],
    ['1.234,50', 123450],
    ['1 234.50', 123450],
    ['1 234,50', 123450],
    ["1'234.50", 123450],
    ['12.', 1200],
    ['1,234,567', 123456700],
  ])('%s is understood', (typed, minor) => {
    expect(parseMoney(typed, 'USD', 'en')).toBe(minor);
  });

  test.each([
    '',
    'abc',
    '-5',
    '+5',
    '1.005',
    '1,2,3',
    '12,34.50',
    '1.2.3',
    '.5',
    '5e3',
    '0x10',
    '1,23,456',
    '99999999999999999999',
  ])('%s is not', (typed) => {
    expect(parseMoney(typed, 'USD', 'en')).toBeNull();
  });

  test('three digits after the mark of the locale are a fraction where the currency has three', () => {
    expect(parseMoney('1.234', 'KWD', 'en')).toBe(1234);
    expect(parseMoney('1,234', 'KWD', 'ru')).toBe(1234);
    expect(parseMoney('1,234', 'KWD', 'en')).toBe(1234000);
    expect(parseMoney('5', 'JPY', 'en')).toBe(5);
    expect(parseMoney('5.5', 'JPY', 'en')).toBeNull();
  });

  test.each(['en', 'ru'])('what is shown in a field can be read back (%s)', (locale) => {
    for (const minor of [0, 7, 99, 100, 123456, 98765432100]) {
      for (const currency of ['USD', 'JPY', 'KWD']) {
        expect(parseMoney(toTyped(minor, currency, locale), currency, locale)).toBe(minor);
      }
    }
  });
});
