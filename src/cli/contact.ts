import { Command } from 'commander';
import { contactExportCommand, contactOptOutsCommand } from './contact-export.ts';
import { contactForgetCommand } from './contact-forget.ts';
import { contactImportCommand } from './contact-import.ts';
import { contactOptInCommand, contactOptOutCommand } from './contact-opt-out.ts';
import { contactSetCommand } from './contact-set.ts';
import { contactShowCommand } from './contact-show.ts';

export function contactCommand(): Command {
  return new Command('contact')
    .description('import, set, export, look at and erase contacts, and opt out of all mail or of a list')
    .addCommand(contactImportCommand())
    .addCommand(contactExportCommand())
    .addCommand(contactSetCommand())
    .addCommand(contactShowCommand())
    .addCommand(contactOptOutCommand())
    .addCommand(contactOptInCommand())
    .addCommand(contactOptOutsCommand())
    .addCommand(contactForgetCommand());
}
