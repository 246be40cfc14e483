import { uploadPortal } from '../portal/upload-portal';

export const handler = uploadPortal.handler;
