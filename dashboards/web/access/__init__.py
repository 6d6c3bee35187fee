"""Who may look and who may change, on the web port.

roles      two roles, and the paths that are not what their method says
caller     a request's credentials -> who asks
sessions   what a browser has for a token
tries      how many wrong tokens an address may show
origin     whether a page of ours sent it
gate       the middleware: asks the others, and words what they refuse
"""
