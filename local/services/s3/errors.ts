/** S3's errors, with its codes, words and status codes. */
import { ServiceError } from '../service';

export const errors = {
  noSuchBucket: (bucket: string): ServiceError =>
    new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: bucket }),
  noSuchKey: (key: string): ServiceError =>
    new ServiceError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key }),
  noSuchVersion: (key: string, versionId: string): ServiceError =>
    new ServiceError('NoSuchVersion', 'The specified version does not exist.', 404, { Key: key, VersionId: versionId }),
  noSuchUpload: (uploadId: string): ServiceError =>
    new ServiceError(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
      404,
      { UploadId: uploadId },
    ),
  methodNotAllowed: (): ServiceError =>
    new ServiceError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, {
      ResourceType: 'DeleteMarker',
    }),
  invalidArgument: (message: string, name?: string, value?: string): ServiceError =>
    new ServiceError('InvalidArgument', message, 400, {
      ...(name !== undefined && { ArgumentName: name, ArgumentValue: value ?? '' }),
    }),
  invalidRequest: (message: string): ServiceError => new ServiceError('InvalidRequest', message),
  preconditionFailed: (condition: string): ServiceError =>
    new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {
      Condition: condition,
    }),
  notModified: (): ServiceError => new ServiceError('NotModified', 'Not Modified', 304),
  notImplemented: (header: string): ServiceError =>
    new ServiceError('NotImplemented', 'A header you provided implies functionality that is not implemented', 501, {
      Header: header,
    }),
  invalidRange: (range: string, sizeBytes: number): ServiceError =>
    new ServiceError('InvalidRange', 'The requested range is not satisfiable', 416, {
      RangeRequested: range,
      ActualObjectSize: sizeBytes,
    }),
  invalidObjectState: (storageClass: string): ServiceError =>
    new ServiceError('InvalidObjectState', "The operation is not valid for the object's storage class", 403, {
      StorageClass: storageClass,
    }),
  keyTooLong: (byteCount: number): ServiceError =>
    new ServiceError('KeyTooLongError', 'Your key is too long', 400, { Size: byteCount, MaxSizeAllowed: 1024 }),
  malformedXml: (): ServiceError =>
    new ServiceError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    ),
};
