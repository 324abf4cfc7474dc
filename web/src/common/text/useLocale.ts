import { useTranslation } from 'react-i18next';

/** How amounts and numbers are written: the chosen language, as the browser's own region writes it. */
export function useLocale(): string {
  const { language } = useTranslation().i18n;
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;
}
