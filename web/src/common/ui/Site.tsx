import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './site.css';
import '../text/i18n';

import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from '../api/queries';
import { colours, theme } from './theme';

/** Show a site on its page: what both of them stand on. */
export function showSite(site: ReactNode): void {
  const root = document.getElementById('root') as HTMLElement;
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={colours} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient()}>
          <Notifications position="bottom-right" containerWidth={360} />
          {site}
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
