/** Systems Manager resources of a template: command documents and parameters. */
import type { SsmService } from '../../services/ssm';
import type { ResourceHandlers } from '../resource';

/** Handlers for documents and parameters. */
export function ssmResources(ssm: SsmService): ResourceHandlers {
  return {
    'AWS::SSM::Document': (request) => {
      const { properties } = request;
      const name = (properties['Name'] as string | undefined) ?? request.generateName(128);
      ssm.documents.put(name, properties['Content']);
      return { ref: name, attributes: {} };
    },
    'AWS::SSM::Parameter': (request) => {
      const { properties } = request;
      const name = (properties['Name'] as string | undefined) ?? request.generateName(1011);
      const { Value: value, Type: type, DataType: dataType } = properties;
      const put = { Name: name, Value: value, Type: type, Overwrite: true };
      ssm.operations['PutParameter']!(dataType === undefined ? put : { ...put, DataType: dataType });
      return { ref: name, attributes: { Type: type, Value: value } };
    },
  };
}
