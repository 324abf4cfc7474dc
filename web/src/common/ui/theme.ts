import { type CSSVariablesResolver, createTheme, type MantineThemeOverride } from '@mantine/core';

export const theme: MantineThemeOverride = createTheme({
  primaryColor: 'blue',
  // White on these has a contrast of 5 and more.
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", monospace',
  components: {
    // A header of a dialog is none of the page's.
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        attributes: { header: { role: 'presentation' } },
      },
    },
    Drawer: { defaultProps: { transitionProps: { duration: 150 }, attributes: { header: { role: 'presentation' } } } },
    // A menu belongs to the page's main part, and holds nothing but its entries.
    Menu: {
      defaultProps: {
        transitionProps: { duration: 80 },
        withInitialFocusPlaceholder: false,
        portalProps: { target: '#main' },
      },
    },
    Popover: { defaultProps: { transitionProps: { duration: 80 }, withinPortal: false } },
    Table: { defaultProps: { verticalSpacing: 'xs' } },
  },
});

/** Mantine's own greys, reds and light blues have too little contrast with text for WCAG AA. */
export const colours: CSSVariablesResolver = () => ({
  variables: { '--new': '#237a36', '--all': '#5c636b' },
  light: {
    '--mantine-color-dimmed': '#59616a',
    '--mantine-color-placeholder': '#6a727b',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': '#1864ab',
    '--mantine-color-blue-light': '#e7f5ff',
    '--mantine-color-blue-light-hover': '#d0ebff',
    '--mantine-color-blue-light-color': '#1558a0',
    '--page': '#f6f7f9',
    '--surface': '#ffffff',
    '--line': '#e3e6ea',
  },
  dark: {
    '--mantine-color-dimmed': '#a6adb5',
    '--mantine-color-placeholder': '#8d949c',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': '#74c0fc',
    '--page': '#16181b',
    '--surface': '#1f2226',
    '--line': '#34383e',
  },
});
