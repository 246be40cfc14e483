/** The CDK app of the customer registration: one stack. Certificate and addresses come from the context: `-c certificateArn=…`. */
import { App } from 'aws-cdk-lib';
import { CustomerRegistrationStack } from './stack';

const app = new App();
const context = (name: string): string => String(app.node.tryGetContext(name));
new CustomerRegistrationStack(app, 'CustomerRegistration', {
  certificateArn: context('certificateArn'),
  signedInAddress: context('signedInAddress'),
});
