import { Drawer, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** A question or a form over the page. While `busy`, what was begun is waited for: it can't be closed. */
export function Dialog({ title, busy = false, onClose, children }: Props & { busy?: boolean }) {
  const { t } = useTranslation();
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
