import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import en from './en.json';
import ru from './ru.json';

/** Every text of both sites is in en.json and ru.json. A third language is a third file, named here. */
const texts = { en: { translation: en }, ru: { translation: ru } };

export type Language = keyof typeof texts;
export const languages: Record<Language, string> = { en: 'English', ru: 'Русский' };

const KEPT = 'purser.language';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: (typeof texts)['en'];
  }
}

/** What the person chose here, else the first of the browser's languages that there is. */
function preferred(): Language {
  const wanted = [kept(), ...navigator.languages].map((tag) => tag.split('-')[0] ?? '');
  return wanted.find((tag): tag is Language => tag in texts) ?? 'en';
}

/** A browser may forbid to keep anything: then a choice lasts as long as the page. */
function kept(): string {
  try {
    return localStorage.getItem(KEPT) ?? '';
  } catch {
    return '';
  }
}

export function choose(language: Language): void {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // Said above.
  }
  void i18next.changeLanguage(language);
}

i18next.on('languageChanged', (language) => {
  document.documentElement.lang = language;
});

void i18next.use(initReactI18next).init({
  resources: texts,
  lng: preferred(),
  fallbackLng: 'en',
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
});
