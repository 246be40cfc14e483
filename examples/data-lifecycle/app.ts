/** The CDK app of the data lifecycle: one stack. `-c workerImage=published` starts workers from the image that the last snapshot
 * published, once there is one. */
import { App } from 'aws-cdk-lib';
import { DataLifecycleStack } from './stack';

const app = new App();
const isPublished = app.node.tryGetContext('workerImage') === 'published';
new DataLifecycleStack(app, 'DataLifecycle', { workerImage: isPublished ? 'published' : 'amazon-linux' });
