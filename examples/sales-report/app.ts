/** The CDK app of the sales report: one stack. */
import { App } from 'aws-cdk-lib';
import { SalesReportStack } from './stack';

new SalesReportStack(new App(), 'SalesReport');
