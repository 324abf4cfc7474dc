import { Drawer, Modal } from '@mantine/core';
import { type ReactNode, useLayoutEffect } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** When it closes, the focus is back on what opened it; if that was a menu's entry, on what opened the menu. */
function useFocusBack(): void {
  useLayoutEffect(() => {
    const active = document.activeElement;
    const menu = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
    const opener = (menu ? document.getElementById(menu) : active) as HTMLElement | null;
    return () => void setTimeout(() => opener?.focus());
  }, []);
}

/** A question or a form over the page. While `busy`, what was begun is waited for: it can't be closed. */
export function Dialog({ title, busy = false, onClose, children }: Props & { busy?: boolean }) {
  const { t } = useTranslation();
  useFocusBack();
  return (
    <Modal
      opened
      title={title}
      onClose={() => busy || onClose()}
      closeButtonProps={{ 'aria-label': t('action.close'), disabled: busy }}
    >
      {children}
    </Modal>
  );
}

/** Something that stands beside the page, such as a conversation. */
export function Side({ title, onClose, children }: Props) {
  const { t } = useTranslation();
  useFocusBack();
  return (
    <Drawer
      opened
      title={title}
      onClose={onClose}
      position="right"
      size="lg"
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {children}
    </Drawer>
  );
}
